import type { Case } from './cases.js'
import type { Result } from './result.js'
import { runMain } from './run-main.js'
import { runWorkers } from './run-workers.js'
import type { Setting } from './setting.js'

/** How cases are distributed over processes. */
export interface ScheduleOptions {
  /** Number of processes that run at the same time. */
  readonly jobs: number
  /** True to spread worker cases over as few processes as run at the same time; false for a process per case. */
  readonly shareProcess: boolean
}

/** A case that is waiting or running. */
export interface Scheduled {
  readonly case: Case
  readonly result: Promise<Result>
}

/** Runs all cases, several at the same time, in their order. */
export function schedule(cases: readonly Case[], setting: Setting, options: ScheduleOptions): Scheduled[] {
  const groups = new Map<string, Case[]>()
  for (const [index, one] of cases.entries()) {
    const isShared = options.shareProcess && one.thread !== 'main'
    const key = isShared ? `${one.thread} ${one.needsSlowDevice} ${index % options.jobs}` : one.name
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  const limit = new Limit(options.jobs)
  return [...groups.values()].flatMap((group) => {
    const results = limit.run(() => runGroup(group, setting))
    return group.map((one, index) => ({ case: one, result: results.then((all) => all[index]) }))
  })
}

async function runGroup(group: readonly Case[], setting: Setting): Promise<Result[]> {
  const [{ thread, needsSlowDevice }] = group
  if (needsSlowDevice && typeof setting.slowNetwork === 'string') {
    const skipped = setting.slowNetwork
    return group.map((one) => ({ case: one, times: 0, problems: {}, skipped }))
  }
  if (thread !== 'main') return runWorkers(group, setting)
  return Promise.all(group.map((one) => runMain(one, setting)))
}

/** Runs a limited number of asynchronous functions at a time. */
class Limit {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free -= 1
    try {
      return await action()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
