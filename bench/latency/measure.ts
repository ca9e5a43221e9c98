import { randomInt } from 'node:crypto'
import { sum } from 'simple-statistics'
import { Progress } from '../cli/progress.js'
import type { ReceiverDescription } from '../control/protocol.js'
import { interleave } from '../engine/rounds.js'
import type { LatencyMode, LatencyPlan } from '../options/throughput-options.js'
import { decimal, whole } from '../report/format.js'
import { Histogram } from '../stats/histogram.js'
import { seededRandom } from '../stats/random.js'
import { openSession, type Session } from '../throughput/session.js'
import { resolveHost } from '../traffic/network.js'
import { type Exchange, exchange } from './exchange.js'
import { openRequester, type Requester } from './requester.js'

export interface LatencyRun {
  readonly plan: LatencyPlan
  readonly session: Pick<Session, 'destination' | 'isLocal'>
  readonly receiver: ReceiverDescription
  readonly records: readonly LatencyRecord[]
  /** One per mode that was measured: the sums of its rounds. */
  readonly summary: readonly LatencyRow[]
  /** Number of complete rounds. */
  readonly rounds: number
  /** What ended the measurement early; undefined if it is complete. */
  readonly error: unknown
}

/** docs/json-report.md describes each key. */
export type LatencyRow = ReturnType<typeof latencyRow>
export type LatencyRecord = LatencyRow & { readonly round: number }

/** Measures all modes. @throws Failure or the signal's reason, if that happens before the first result */
export async function measureLatency(plan: LatencyPlan, signal: AbortSignal): Promise<LatencyRun> {
  const progress = new Progress(plan.quiet)
  await using session = await openSession({ ...plan, control: true, parallel: 1 }, progress, signal)
  const {
    destination,
    controls: [control],
  } = session
  const bind = plan.bind && (await resolveHost(plan.bind, destination.family === 'ipv4' ? 4 : 6))
  const { sizeBytes, packetsPerSecond } = plan
  const requesters = new Map<LatencyMode, Requester>()
  const runRound = async (mode: LatencyMode, requester: Requester, round: number): Promise<LatencyRow> => {
    const seconds = round === 0 ? plan.omitSeconds : plan.durationSeconds
    const stream = randomInt(1, 2 ** 32)
    await control.start({ stream, sizeBytes, mode, seconds, warmUp: round === 0, echo: true })
    const result = await exchange(requester, { stream, packetsPerSecond, seconds, signal })
    await control.stop(result.sent)
    return latencyRow(mode, seconds, result)
  }
  try {
    for (const mode of plan.modes) {
      requesters.set(mode, await openRequester(mode, { ...plan, destination, bind, connect: true }))
    }
    if (plan.omitSeconds > 0) {
      progress.say(`warming up: ${plan.modes.join(', ')}`)
      for (const [mode, requester] of requesters) await runRound(mode, requester, 0)
    }
    const records: LatencyRecord[] = []
    const schedule = { itemsOf: () => [...requesters], isOver: (rounds: number) => rounds === plan.rounds, signal }
    const random = seededRandom(plan.seed)
    const { rounds, error } = await interleave({ ...schedule, random }, async ([mode, requester], round) => {
      const row = await runRound(mode, requester, round)
      const [p50, p99] = [row.nanoseconds.p50, row.nanoseconds.p99].map(microseconds)
      progress.say(`round ${round} of ${plan.rounds}, ${mode}: p50 ${p50} us, p99 ${p99} us, lost ${whole(row.lost)}`)
      records.push({ round, ...row })
    })
    if (records.length === 0) throw error
    const measured = plan.modes.map((mode) => records.filter((record) => record.mode === mode))
    const summary = measured.filter(([first]) => first !== undefined).map(sumOf)
    return { plan, session, receiver: control.description, records, summary, rounds, error }
  } finally {
    for (const requester of requesters.values()) requester.close()
  }
}

function latencyRow(mode: LatencyMode, seconds: number, { due, sent, latencies }: Exchange) {
  return {
    mode,
    seconds,
    due,
    sent,
    replies: latencies.total,
    lost: sent - latencies.total,
    nanoseconds: Object.fromEntries(
      Object.entries(QUANTILES).map(([name, share]) => [name, latencies.quantile(share)]),
    ),
    histogram: latencies.buckets(),
  }
}

/** Adds the rounds of one mode: their histograms, never their percentiles. */
function sumOf(rows: readonly LatencyRow[]): LatencyRow {
  const latencies = new Histogram(rows.flatMap(({ histogram }) => histogram))
  const total = (key: 'seconds' | 'due' | 'sent') => sum(rows.map((row) => row[key]))
  return latencyRow(rows[0].mode, total('seconds'), { due: total('due'), sent: total('sent'), latencies })
}

export function microseconds(nanoseconds: number | null): string {
  return nanoseconds === null ? '-' : decimal(nanoseconds / 1000, 1)
}

/** The reported shares of replies, by name. */
export const QUANTILES = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999, 'p99.99': 0.9999, max: 1 } as const
