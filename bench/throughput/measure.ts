import { randomInt } from 'node:crypto'
import { Progress } from '../cli/progress.js'
import type { ReceiverDescription } from '../control/protocol.js'
import { interleave } from '../engine/rounds.js'
import type { ThroughputPlan } from '../options/throughput-options.js'
import { gigabits, percent, whole } from '../report/format.js'
import { seededRandom } from '../stats/random.js'
import { measureCrossing } from '../traffic/costs.js'
import {
  hasFq,
  interfaceDelta,
  readInterfaceCounters,
  resolveHost,
  settledInterfaceCounters,
} from '../traffic/network.js'
import { addDelivery, type RoundRecord, roundRecord } from '../traffic/round-record.js'
import type { Candidate, RoundOrder } from './candidate.js'
import { OWN_NAME, openCandidates, type Skipped } from './open-candidates.js'
import { openSession, type Session } from './session.js'
import { type CandidateCosts, ratiosToOthers, type SummaryRow, summarize } from './summary.js'

export interface ThroughputRun {
  readonly plan: ThroughputPlan
  readonly session: Omit<Session, 'controls' | typeof Symbol.asyncDispose>
  /** The rate is limited, and the interface has fq. */
  readonly hasFq: boolean
  /** Null without a control connection. */
  readonly receiver: ReceiverDescription | null
  readonly skipped: readonly Skipped[]
  readonly records: readonly RoundRecord[]
  readonly summary: readonly SummaryRow[]
  /** Of `compare`, the first candidate to each other one. */
  readonly ratios: ReturnType<typeof ratiosToOthers>
  /** Number of complete rounds. */
  readonly rounds: number
  /** What ended the measurement early; undefined if it is complete. */
  readonly error: unknown
}

/** Measures all candidates. @throws Failure or the signal's reason, if that happens before the first result */
export async function measureThroughput(plan: ThroughputPlan, signal: AbortSignal): Promise<ThroughputRun> {
  const progress = new Progress(plan.quiet, plan.intervalSeconds)
  await using session = await openSession(plan, progress, signal)
  const { destination, controls, interfaceName } = session
  const bind = plan.bind && (await resolveHost(plan.bind, destination.family === 'ipv4' ? 4 : 6))
  const isFair = plan.packetsPerSecond !== undefined && interfaceName !== undefined && hasFq(interfaceName)
  const sending = { ...plan, destination, bind, hasFq: isFair }
  await using candidates = await openCandidates(plan, sending, progress, signal)
  const { list, skipped } = candidates
  const records: RoundRecord[] = []
  const random = seededRandom(plan.seed)
  const context = { plan, session, progress, signal }
  if (plan.omitSeconds > 0) {
    progress.say(`warming up: ${list.map(({ name }) => name).join(', ')}`)
    for (const candidate of list) await runRound(context, candidate, 0)
  }
  const isOver = (rounds: number) => rounds === plan.rounds
  const { rounds, error } = await interleave(
    { itemsOf: () => list, isOver, random, signal },
    async (candidate, number) => {
      const record = await runRound(context, candidate, number)
      progress.say(roundLine(record, plan.rounds))
      records.push(record)
    },
  )
  if (records.length === 0) throw error
  const measured = list.filter(({ name }) => records.some(({ mode }) => mode === name))
  const names = measured.map(({ name }) => name)
  return {
    plan,
    session,
    hasFq: isFair,
    receiver: controls[0]?.description ?? null,
    skipped,
    records,
    summary: summarize(
      names,
      records,
      random,
      Object.fromEntries(measured.map((one) => [one.name, costsOf(one, plan)])),
    ),
    ratios: plan.command === 'compare' ? ratiosToOthers(names, records, random) : [],
    rounds,
    error,
  }
}

interface RoundContext {
  readonly plan: ThroughputPlan
  readonly session: Session
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Runs one candidate's part of a round. Round 0 is the warm-up. */
async function runRound(
  { plan, session, progress, signal }: RoundContext,
  candidate: Candidate,
  round: number,
): Promise<RoundRecord> {
  const { controls, interfaceName } = session
  const { sizeBytes } = plan
  const { name: mode } = candidate
  const seconds = round === 0 ? plan.omitSeconds : plan.durationSeconds
  const streams = Array.from({ length: plan.parallel }, () => randomInt(1, 2 ** 32))
  const start = { sizeBytes, mode, seconds, warmUp: round === 0 }
  await Promise.all(controls.map((control, index) => control.start({ ...start, stream: streams[index] })))
  const tick = progress.ticker(seconds)
  const onProgress: RoundOrder['onProgress'] = ({ packets }, elapsedSeconds) =>
    tick(elapsedSeconds, () => {
      const rate = packets / elapsedSeconds
      const soFar = rates(rate, rate * sizeBytes * 8)
      return `round ${round} of ${plan.rounds}, ${mode}, after ${elapsedSeconds.toFixed(1)} s: ${soFar}`
    })
  // Read directly before and after sending: the packets of the control connection count, too.
  const before = interfaceName === undefined ? undefined : readInterfaceCounters(interfaceName)
  const sent = await candidate.run({ seconds, streams, signal, ...(round === 0 ? {} : { onProgress }) })
  const after = before && (await settledInterfaceCounters(interfaceName ?? '', before.txPackets + sent.packets))
  const each = sent.streams ?? [sent]
  const reports = await Promise.all(controls.map((control, index) => control.stop(each[index].packets)))
  const delivered = reports.length === 0 ? null : reports.reduce(addDelivery)
  const counted = interfaceName && before && after ? interfaceDelta(interfaceName, before, after) : null
  const record = roundRecord({ mode, round, bytes: sent.packets * sizeBytes, delivered, interface: counted, sent })
  const perStream = sent.streams?.map(({ seconds, packets, errors }, index) => {
    return { seconds, packets, errors, delivered: reports[index] ?? null }
  })
  return perStream === undefined ? record : { ...record, streams: perStream }
}

/** Measures the components of a candidate's cost outside the system call; null for other programs and for node:dgram. */
function costsOf(candidate: Candidate, { modes, command }: ThroughputPlan): CandidateCosts {
  const prepareNanoseconds = candidate.prepareNanoseconds()
  const mode = command === 'compare' && candidate.name === OWN_NAME ? modes[0] : candidate.name
  const call = mode === 'sendmsg' || mode === 'gso' ? 'sendmsg' : 'sendmmsg'
  const isOwn = prepareNanoseconds !== null && !mode.endsWith('dgram')
  return { prepareNanoseconds, crossingNanoseconds: isOwn ? measureCrossing(call) : null }
}

export function roundLine(record: RoundRecord, rounds: number): string {
  const { mode, round, packetsPerSecond, bitsPerSecond, packets, delivered, errors } = record
  const lost = delivered === null ? '' : `, lost ${percent(delivered.lost / Math.max(1, packets))}`
  const failed = errors === 0 ? '' : `, ${whole(errors)} errors`
  return `round ${round} of ${rounds}, ${mode}: ${rates(packetsPerSecond, bitsPerSecond)}${lost}${failed}`
}

function rates(packetsPerSecond: number, bitsPerSecond: number): string {
  return `${whole(packetsPerSecond)} packets/s, ${gigabits(bitsPerSecond)} Gbit/s`
}
