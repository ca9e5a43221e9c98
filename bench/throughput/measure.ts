import { randomInt } from 'node:crypto'
import { sweepFolders } from '../children/temporary.js'
import { Progress } from '../cli/progress.js'
import { Failure } from '../cli/run-command.js'
import { measureEach } from '../engine/rounds.js'
import type { PeerName, ThroughputPlan } from '../options/throughput-options.js'
import { gigabits, percent, whole } from '../report/format.js'
import { seededRandom } from '../stats/random.js'
import { gsoUnsupportedReason } from '../traffic/batch-sender.js'
import { isGsoMode, type SendMode } from '../traffic/modes.js'
import { hasFq, interfaceDelta, readInterfaceCounters, settledInterfaceCounters } from '../traffic/network.js'
import { addDelivery, type RoundRecord, roundRecord } from '../traffic/round-record.js'
import type { SendPlan } from '../traffic/sender.js'
import { buildPeer, type Candidate, openLocal, type RoundOrder } from './candidate.js'
import { startThreads } from './parallel.js'
import { openSession } from './session.js'
import { ratiosToOthers, summarize } from './summary.js'

/** `error` is what ended the measurement early, undefined if it is complete; `rounds` is the number of complete rounds. */
export type ThroughputRun = Awaited<ReturnType<typeof measureThroughput>>

/** Measures all candidates. @throws Failure or the signal's reason, if that happens before the first result */
export async function measureThroughput(plan: ThroughputPlan, signal: AbortSignal) {
  const progress = new Progress(plan.quiet, plan.intervalSeconds)
  await using session = await openSession(plan, progress, signal)
  const { destination, bind, controls, interfaceName } = session
  const { sizeBytes } = plan
  const isFair = plan.packetsPerSecond !== undefined && interfaceName !== undefined && hasFq(interfaceName)
  const sending = { ...plan, destination, bind, hasFq: isFair }
  await using candidates = await openCandidates(plan, sending, progress, signal)
  const { list, skipped } = candidates
  const names = list.map(({ name }) => name)
  if (plan.omitSeconds > 0) progress.say(`warming up: ${names.join(', ')}`)
  /** Runs one candidate's part of a round. Round 0 is the warm-up. */
  const runRound = async (candidate: Candidate, round: number): Promise<RoundRecord> => {
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
  const { records, rounds, error } = await measureEach(list, plan, signal, async (candidate, round) => {
    const record = await runRound(candidate, round)
    if (round > 0) progress.say(roundLine(record, plan.rounds))
    return record
  })
  const random = seededRandom(plan.seed)
  const measured = list.filter(({ name }) => records.some(({ mode }) => mode === name))
  const costs = Object.fromEntries(measured.map((one) => [one.name, one.costs()]))
  return {
    plan,
    session,
    // The rate is limited, and the interface has fq.
    hasFq: isFair,
    receiver: controls[0]?.description ?? null,
    skipped,
    records,
    summary: summarize(Object.keys(costs), records, random, costs),
    ratios: plan.command === 'compare' ? ratiosToOthers(Object.keys(costs), records, random) : [],
    rounds,
    error,
  }
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

/**
 * Opens the candidates, each with a socket of its own. Those that this host does not support are skipped, with the reason.
 *
 * @throws Failure if none is supported, or in a comparison not the first
 */
async function openCandidates(
  { command, modes, peers, parallel }: ThroughputPlan,
  plan: SendPlan,
  progress: Progress,
  signal: AbortSignal,
) {
  const list: Candidate[] = []
  const skipped: { readonly name: SendMode | PeerName; readonly reason: string }[] = []
  const resources: AsyncDisposable[] = []
  const add = (name: SendMode | PeerName, opened: Candidate | string) => {
    if (typeof opened !== 'string') {
      list.push(opened)
      resources.unshift(opened)
      return
    }
    progress.say(`without ${name}: ${opened}`)
    skipped.push({ name, reason: opened })
  }
  const close = async () => {
    for (const one of resources) await one[Symbol.asyncDispose]()
  }
  try {
    if (parallel > 1 || peers.length > 0) sweepFolders()
    const threads = parallel === 1 ? undefined : startThreads(parallel, plan)
    if (threads !== undefined) resources.push(threads)
    for (const mode of modes) {
      const isOwn = command === 'compare' && mode === modes[0]
      const reason = isGsoMode(mode) && plan.segments > 1 ? gsoUnsupportedReason(plan) : undefined
      if (reason !== undefined && (isOwn || modes.length === 1))
        throw new Failure(`no ${mode} to ${plan.destination}: ${reason}`)
      const open = () => threads?.open(mode, signal) ?? openLocal(isOwn ? 'batchconn' : mode, mode, plan)
      add(mode, reason ?? (await open()))
    }
    for (const name of peers) {
      progress.say(`compiling the program ${name}`)
      add(name, await buildPeer(name, plan, modes[0], signal))
    }
    if (list.length === 0) throw new Failure(`no ${skipped[0].name} to ${plan.destination}: ${skipped[0].reason}`)
    return { list, skipped, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
