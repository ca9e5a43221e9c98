import { setTimeout as sleep } from 'node:timers/promises'
import { type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'
import type { ReceiveMode } from '../traffic/modes.js'
import { resolveHost } from '../traffic/network.js'
import { openReceiver } from '../traffic/open.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import { cpuSince, type DeliveryReport, type RoundRecord, roundRecord } from '../traffic/round-record.js'
import { type Receiver, type StreamStatistics, Streams, UNNUMBERED } from '../traffic/streams.js'
import type { StartRequest } from './protocol.js'
import { type AnnouncedRound, listenControl } from './server.js'

/**
 * Receives, and keeps the statistics of the streams that senders announce and of those that were not announced. The latter end
 * after a second without datagrams.
 */
export function receiveService(receiver: Receiver, mode: ReceiveMode, onRecord: (record: ReceiveRecord) => void) {
  const { batch, receiveBufferBytes, gro } = receiver
  const records: ReceiveRecord[] = []
  /** Those that have not ended. */
  const rounds = new Set<Round>()
  let finished = 0

  const begin = (statistics: StreamStatistics, sender: RoundSource, isWarmUp: boolean): Round => {
    const { kernelDrops } = receiver
    const round = { statistics, sender, isWarmUp, dropsBefore: kernelDrops ?? 0, cpuBefore: process.cpuUsage() }
    rounds.add(round)
    return round
  }
  const streams = new Streams((statistics) => begin(statistics, { address: null, mode: null }, false))

  /**
   * Closes a round's stream and records its result; after the first time it only returns the report.
   *
   * @param sent - number of datagrams that the sender reports; by default derived from the sequence numbers
   */
  const finish = (round: Round, sent?: number): DeliveryReport => {
    const { statistics, sender, isWarmUp } = round
    const report = reportOf(receiver, round, sent)
    if (!rounds.delete(round)) return report
    streams.close(statistics)
    if (isWarmUp) return report
    finished += 1
    const { delivered: packets, bytes, receiveCalls: sendCalls, achievedBatch, cpu } = report
    const seconds = (statistics.lastArrivalMs - statistics.firstArrivalMs) / 1000
    const facts = { mode, round: finished, bytes, delivered: report, interface: null }
    const row = roundRecord({ ...facts, sent: { seconds, packets, sendCalls, cpu, wouldBlock: 0, errors: 0 } })
    const record = { ...row, achievedBatch, sender }
    records.push(record)
    if (records.length > MAX_RECORDS) records.shift()
    onRecord(record)
    return report
  }
  const finishQuiet = () => {
    const quietSinceMs = performance.now() - UNANNOUNCED_QUIET_MS
    for (const round of rounds) {
      if (round.sender.address === null && round.statistics.lastArrivalMs < quietSinceMs) finish(round)
    }
  }

  return {
    description: { mode, batch, gro: gro.available, receiveBufferBytes },
    /** The latest rounds, warm-ups excluded. */
    records,
    /** Receives until the signal is aborted. Unfinished rounds are reported as they are then. */
    async run(signal: AbortSignal): Promise<void> {
      const sweep = setInterval(finishQuiet, 200)
      try {
        await receiver.run(streams, signal)
      } finally {
        clearInterval(sweep)
        for (const round of rounds) finish(round)
      }
    },
    /** Opens the stream of a round that a sender announces. @throws Error if another sender has the same stream */
    start({ stream, sizeBytes, mode, warmUp, echo }: StartRequest, address: string): AnnouncedRound {
      const isNumbered = sizeBytes >= HEADER_BYTES
      const number = isNumbered ? stream : UNNUMBERED
      for (const other of rounds) {
        if (other.statistics.stream !== number) continue
        if (other.sender.address !== null) {
          throw new Error(
            isNumbered
              ? 'another sender has the same stream'
              : `another sender has datagrams below ${HEADER_BYTES} bytes too, which do not name their stream`,
          )
        }
        finish(other)
      }
      receiver.makeRoom(sizeBytes)
      const statistics = streams.open(number)
      statistics.isEchoed = echo === true
      const round = begin(statistics, { address, mode }, warmUp)
      return {
        get lastArrivalMs() {
          return statistics.lastArrivalMs
        },
        async stop(sent) {
          await drained(statistics, sent)
          if (!rounds.has(round)) throw new Error('the round has ended')
          return finish(round, sent)
        },
        abandon: () => void finish(round),
      }
    },
  }
}

function reportOf(
  { kernelDrops }: Receiver,
  { statistics, dropsBefore, cpuBefore }: Round,
  sent?: number,
): DeliveryReport {
  const { delivered, bytes, truncated, arrived, calls: receiveCalls } = statistics
  const ifNumbered = (value: number) => (statistics.stream === UNNUMBERED ? null : value)
  return {
    delivered,
    lost: statistics.lost(sent),
    bytes,
    reordered: ifNumbered(statistics.reordered),
    duplicated: ifNumbered(statistics.duplicated),
    outdated: ifNumbered(statistics.outdated),
    jitterMicroseconds: ifNumbered(statistics.jitterMicroseconds),
    truncated,
    kernelDrops: kernelDrops === null ? null : kernelDrops - dropsBefore,
    receiveCalls,
    achievedBatch: receiveCalls > 0 ? arrived / receiveCalls : 0,
    cpu: cpuSince(cpuBefore),
  }
}

/** Settles when all datagrams have arrived, or none arrives any more. */
async function drained(statistics: StreamStatistics, sent: number): Promise<void> {
  const startMs = performance.now()
  for (let nowMs = startMs; nowMs < startMs + MAX_DRAIN_MS; nowMs = performance.now()) {
    const quietMs = nowMs - Math.max(startMs, statistics.lastArrivalMs)
    if (statistics.delivered >= sent || quietMs >= QUIET_MS) return
    await sleep(2)
  }
}

/** Longer than a datagram is under way in a local network. */
const QUIET_MS = 200
const UNANNOUNCED_QUIET_MS = 1000
/** A sender waits three times as long for its report. */
const MAX_DRAIN_MS = 5000
/** More than any honest run has; a receiver that runs for months must not fill the memory. */
const MAX_RECORDS = 20_000

interface RoundSource {
  /** Address of an announced sender; null for a stream that was not announced. */
  readonly address: string | null
  readonly mode: string | null
}

/** A round in the receiver's report: `packets` are those delivered. */
export interface ReceiveRecord extends RoundRecord {
  readonly sender: RoundSource
}

/** A round that has not ended, and the counters at its begin. */
interface Round {
  readonly statistics: StreamStatistics
  readonly sender: RoundSource
  readonly isWarmUp: boolean
  readonly dropsBefore: number
  readonly cpuBefore: NodeJS.CpuUsage
}

interface ListenPlan {
  readonly listen: { readonly host?: string; readonly port: number }
  readonly mode: ReceiveMode
  readonly batch: number
  readonly sizeBytes: number
  readonly control: boolean
  readonly token: string | undefined
}

/** Opens UDP and TCP on the same port. @throws Failure */
export async function listen(plan: ListenPlan, onRecord: (record: ReceiveRecord) => void) {
  const { host, port } = plan.listen
  const candidates = host === undefined ? WILDCARDS.map((address) => endpoint({ address, port })) : []
  if (host !== undefined) candidates.push(await resolveHost({ host, port }))
  for (let attempt = 1; ; attempt += 1) {
    const at = candidates[0]
    try {
      return await listenAt(at, plan, onRecord)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isWithoutIpv6 = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
      if (candidates.length > 1 && isWithoutIpv6) candidates.shift()
      // The port that the kernel chose for UDP may be in use for TCP.
      else if (port !== 0 || code !== 'EADDRINUSE' || attempt === MAX_ATTEMPTS) throw cannotListen(at, error)
    }
  }
}

/** UDP first: it determines the port. */
async function listenAt(at: Endpoint, plan: ListenPlan, onRecord: (record: ReceiveRecord) => void) {
  const { mode, batch, sizeBytes, control, token } = plan
  const receiver = await openReceiver(mode, { listen: at, batch, sizeBytes })
  try {
    const service = receiveService(receiver, mode, onRecord)
    const server = control ? await listenControl(receiver.localAddress, service, token) : undefined
    return {
      receiver,
      service,
      close() {
        server?.close()
        receiver.close()
      },
    }
  } catch (error) {
    receiver.close()
    throw error
  }
}

function cannotListen(at: Endpoint, error: unknown): Failure {
  const { code = '', message } = error as NodeJS.ErrnoException
  return error instanceof Failure ? error : new Failure(`cannot listen on ${at}: ${REASONS[code] ?? message}`)
}

const REASONS: Readonly<Record<string, string | undefined>> = {
  EADDRINUSE: 'address already in use (EADDRINUSE)',
  EADDRNOTAVAIL: 'this host does not have this address (EADDRNOTAVAIL)',
  EACCES: 'ports below 1024 require root (EACCES)',
}

/** Every address: IPv6 sockets receive IPv4 as well, if the host has IPv6. */
const WILDCARDS = ['::', '0.0.0.0']
/** For ports that are free for UDP and in use for TCP. */
const MAX_ATTEMPTS = 10
