import { seededRandom } from '../../../bench/stats/random.js'
import type { ThroughputRun } from '../../../bench/throughput/measure.js'
import { ratiosToOthers, summarize } from '../../../bench/throughput/summary.js'
import { roundRecord, type SendResult } from '../../../bench/traffic/round-record.js'

type Facts = Parameters<typeof roundRecord>[0]

export const SENT: SendResult = {
  seconds: 2,
  packets: 1000,
  sendCalls: 20,
  wouldBlock: 4,
  errors: 0,
  cpu: { userSeconds: 0.5, systemSeconds: 1 },
}

export function facts(overrides: Partial<Facts>): Facts {
  return { mode: 'sendmmsg', round: 1, bytes: 1_400_000, delivered: null, interface: null, sent: SENT, ...overrides }
}

export function delivered(count: number, lost: number) {
  return {
    delivered: count,
    lost,
    bytes: count * 1400,
    reordered: 0,
    duplicated: 0,
    outdated: 0,
    jitterMicroseconds: 1,
    truncated: 0,
    kernelDrops: lost,
    receiveCalls: 10,
    achievedBatch: count / 10,
    cpu: { userSeconds: 0, systemSeconds: 0 },
  }
}

/** A run of sendmsg, sendmmsg and GSO with known costs, of which GSO loses a quarter. */
export function knownRun(overrides: { cpuShare?: number; rounds?: number; command?: 'send' | 'compare' } = {}) {
  const { cpuShare = 1, rounds = 1, command = 'send' } = overrides
  const modes =
    command === 'send' ? ['sendmsg', 'sendmmsg', 'gso'] : ['batchconn', 'c-copying', 'sendmmsg+gso+zerocopy']
  const rate = (mode: string, packets: number, sendCalls: number, lost: number, round: number) => {
    const cpu = { userSeconds: 0, systemSeconds: cpuShare }
    const one = { ...SENT, seconds: 1, packets, sendCalls, wouldBlock: 0, cpu }
    return roundRecord(facts({ mode, round, delivered: delivered(packets - lost, lost), sent: one }))
  }
  const all = Array.from({ length: rounds }, (_, index) => [
    rate(modes[0], 500_000, 500_000, 0, index + 1),
    rate(modes[1], 640_000 + 20_000 * index, 10_000, 0, index + 1),
    rate(modes[2], 2_000_000, 50_000, 500_000, index + 1),
  ]).flat()
  const costs = { prepareNanoseconds: 20, crossingNanoseconds: 80 }
  const known = modes.filter((mode) => mode !== 'c-copying')
  const summary = summarize(modes, all, seededRandom(1), Object.fromEntries(known.map((mode) => [mode, costs])))
  const plan = {
    command,
    sizeBytes: 1400,
    batch: 64,
    segments: 40,
    destinations: 1,
    grouped: false,
    rounds,
    durationSeconds: 1,
    seed: 1,
    packetsPerSecond: undefined,
    parallel: 1,
  }
  const session = { destination: '10.0.0.2:5211', isLocal: false, interfaceName: 'lo', isLoopback: true }
  const ratios = command === 'send' ? [] : ratiosToOthers(modes, all, seededRandom(1))
  return { plan, session, receiver: null, skipped: [], records: all, summary, ratios } as unknown as ThroughputRun
}
