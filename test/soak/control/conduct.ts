import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../../bench/stats/random.js'
import { type FlowStatistics, statisticsOf } from '../report/flow-statistics.js'
import { descriptorViolations, type MemoryTrend, memoryTrends, memoryViolations } from '../report/memory.js'
import { flowViolations, idleFlows, networkViolations } from '../report/violations.js'
import type { ChurnCounts, Descriptors, ProcessCounts, Sample } from '../traffic/protocol.js'
import { type Fault, linkFaults, SOCKET_FAULTS, throwIn } from './faults.js'
import type { NetworkCounters } from './network.js'
import type { SoakOptions } from './options.js'
import { setUp } from './setup.js'
import type { SoakRun } from './soak-run.js'

/** Result of a soak. */
export interface SoakResult {
  readonly seed: number
  /** Duration of the traffic in seconds. */
  readonly seconds: number
  readonly isInterrupted: boolean
  readonly notes: readonly string[]
  readonly statistics: readonly FlowStatistics[]
  readonly networks: readonly NetworkCounters[]
  /** Number of times that each fault happened. */
  readonly faults: Readonly<Record<string, number>>
  readonly processes: Readonly<Record<string, ProcessResult>>
  readonly violations: readonly string[]
}

/** Result of one process with traffic. */
export interface ProcessResult {
  readonly samples: readonly Sample[]
  readonly trends: readonly MemoryTrend[]
  readonly descriptors: Descriptors
  readonly signals: number
  readonly churn: ChurnCounts
}

/**
 * Runs the soak.
 *
 * @param signal - ends the traffic early; the result is complete even then
 */
export async function conduct(options: SoakOptions, signal: AbortSignal): Promise<SoakResult> {
  const { run, roughLink, notes, remove } = await setUp(options)
  try {
    console.error(`soak: ${run.flows.length} flows, ${run.links.size} processes, seed ${options.seed}`)
    for (const note of notes) console.error(`soak: left out: ${note}`)
    const durationMs = options.minutes * 60_000
    await run.start(Math.min(1000, Math.max(200, durationMs / SAMPLES)))
    console.error('soak: the traffic has started')
    const startMs = performance.now()
    const timeIsUp = limited(signal, durationMs)
    const faults = [...SOCKET_FAULTS, ...(roughLink === undefined ? [] : linkFaults(roughLink))]
    const happened = options.faults ? await disturb(run, faults, options.seed, timeIsUp) : await idle(timeIsUp)
    const seconds = (performance.now() - startMs) / 1000
    const descriptors = await run.stop()
    return {
      seed: options.seed,
      seconds,
      isInterrupted: signal.aborted,
      notes,
      faults: happened,
      ...(await evaluate(run, descriptors, signal.aborted)),
    }
  } finally {
    await remove()
  }
}

/** Returns a signal that is aborted with `signal`, or when the time is over. */
function limited(signal: AbortSignal, durationMs: number): AbortSignal {
  // Not AbortSignal.any and AbortSignal.timeout: on Node 20 the timer of their combination can be garbage-collected.
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), durationMs)
  const end = () => {
    clearTimeout(timer)
    controller.abort()
  }
  signal.addEventListener('abort', end, { once: true })
  return controller.signal
}

/** Makes faults happen one after the other, with signals and terminated workers all the time. */
async function disturb(run: SoakRun, faults: readonly Fault[], seed: number, signal: AbortSignal): Promise<Happened> {
  await run.churn('loopback')
  const signals = setInterval(() => {
    for (const link of run.links.values()) link.signal('SIGUSR2')
  }, SIGNAL_EVERY_MS)
  try {
    return Object.fromEntries(await throwIn(run, faults, seededRandom(seed), signal))
  } finally {
    clearInterval(signals)
  }
}

async function idle(signal: AbortSignal): Promise<Happened> {
  await sleep(2 ** 31 - 1, undefined, { signal }).catch(() => {})
  return {}
}

/** Computes the statistics and the violations after the traffic. */
async function evaluate(
  run: SoakRun,
  descriptors: ReadonlyMap<string, Descriptors>,
  isInterrupted: boolean,
): Promise<Evaluation> {
  const counted = await run.counted()
  const statistics = statisticsOf(run.flows, counted)
  const processes = [...run.links].map(([name, { samples }]) => {
    const { signals, churn } = run.processes.get(name) as ProcessCounts
    const found = descriptors.get(name) as Descriptors
    return [name, { samples, trends: memoryTrends(name, samples), descriptors: found, signals, churn }] as const
  })
  const violations = [
    ...run.problems,
    ...[...counted.sockets.values()].flatMap(({ name, problems }) =>
      problems.map((text) => `socket '${name}': ${text}`),
    ),
    ...processes.flatMap(([name, { churn }]) => churn.problems.map((text) => `process ${name}: ${text}`)),
    ...flowViolations(statistics),
    ...(isInterrupted ? [] : idleFlows(statistics)),
    ...networkViolations(statistics, counted),
    ...processes.flatMap(([name, { descriptors }]) => descriptorViolations(name, descriptors)),
    ...processes.flatMap(([, { trends, churn }]) => memoryViolations(trends, churn.workers)),
  ]
  return { statistics, networks: counted.networks, processes: Object.fromEntries(processes), violations }
}

type Happened = Record<string, number>

type Evaluation = Pick<SoakResult, 'statistics' | 'networks' | 'processes' | 'violations'>

/** Each sample includes a garbage collection, which stops the traffic for some milliseconds. */
const SAMPLES = 40
const SIGNAL_EVERY_MS = 100
