import { setTimeout as sleep } from 'node:timers/promises'
import { mainEndings, type ProcessEnd } from '../support/programs/ends-endings.js'
import type { MainCase } from '../support/programs/ends-main.js'
import type { Case } from './cases.js'
import { describeEnd, launch } from './launch.js'
import { Problems, type Result } from './result.js'
import type { Setting } from './setting.js'

/** Ends main threads, each in its own process, one after another. */
export async function runMain(one: Case, setting: Setting): Promise<Result> {
  const problems = new Problems()
  let times = 0
  while (times < setting.times.main && problems.total < MAX_FAILURES) {
    const problem = await runOnce(one, setting, 1 + (times % MOMENTS))
    if (problem !== undefined) problems.add(problem)
    times += 1
  }
  return { case: one, times, problems: problems.toRecord() }
}

/** Describes a wrong end of the process; undefined if the end is as expected. */
async function runOnce(one: Case, setting: Setting, atMoment: number): Promise<string | undefined> {
  const { expected, isSignalled } = mainEndings[one.ending]
  const { node, slowNetwork } = setting
  const network = one.needsSlowDevice && typeof slowNetwork !== 'string' ? slowNetwork : undefined
  const argument: MainCase = { activity: one.activity, ending: one.ending, slowPeer: network?.peer, atMoment }
  let hasStarted = mainEndings[one.ending].mode === 'natural'
  const end = await launch('ends-main', {
    node,
    argument,
    ...network,
    silenceMs: SILENCE_MS,
    onLine: async (_, child) => {
      hasStarted = true
      if (!isSignalled) return
      await sleep(Math.random() * RUNNING_MS)
      child.kill('SIGTERM')
    },
  })
  const isExpected = end.code === expected.code && end.signal === expected.signal
  if (isExpected && !end.isHung && end.stderr.includes(expected.stderr ?? '')) return undefined
  return `${describeEnd(end)} instead of ${describeExpected(expected)}${hasStarted ? '' : ', before it started'}`
}

function describeExpected({ code, signal, stderr }: ProcessEnd): string {
  return `${signal ?? `exit code ${code}`}${stderr === undefined ? '' : ` (${stderr})`}`
}

/** Number of problems after which a case is stopped. */
const MAX_FAILURES = 3

const MOMENTS = 4

const RUNNING_MS = 10

const SILENCE_MS = 60_000
