import t from 'tap'
import { Progress } from '../../../bench/cli/progress.js'
import { gigabits, mebibytes, percent, signedPercent, table, whole } from '../../../bench/report/format.js'
import { seededRandom } from '../../../bench/stats/random.js'
import { answerInWords } from '../../../bench/throughput/command.js'
import { roundLine } from '../../../bench/throughput/measure.js'
import { notesOf, summaryRows, warningsOf } from '../../../bench/throughput/report.js'
import { rateRatio, summarize } from '../../../bench/throughput/summary.js'
import { addDelivery, roundRecord } from '../../../bench/traffic/round-record.js'
import { delivered, facts, knownRun, SENT as sent } from './known-run.js'

t.test('a record: the rates follow from the counts', async (t) => {
  t.strictSame(roundRecord(facts({ delivered: delivered(900, 100) })), {
    mode: 'sendmmsg',
    round: 1,
    seconds: 2,
    packets: 1000,
    bytes: 1_400_000,
    systemCalls: 24,
    packetsPerSecond: 500,
    bitsPerSecond: 5_600_000,
    nanosecondsPerPacket: 2_000_000,
    achievedBatch: 62.5,
    delivered: delivered(900, 100),
    deliveredPerSecond: 450,
    interface: null,
    cpu: { userSeconds: 0.5, systemSeconds: 1 },
    wouldBlock: 4,
    errors: 0,
    largestBurst: null,
  })
  const nothing = { ...sent, packets: 0, seconds: 0, sendCalls: 4 }
  t.match(roundRecord(facts({ bytes: 0, sent: nothing })), {
    packetsPerSecond: 0,
    bitsPerSecond: 0,
    nanosecondsPerPacket: null,
    achievedBatch: 0,
    deliveredPerSecond: null,
  })
})

const RATES: [string, number, number][] = [
  ['a', 1, 100],
  ['b', 1, 200],
  ['b', 2, 60],
  ['a', 2, 20],
  ['a', 3, 300],
  ['b', 3, 450],
]
const records = RATES.map(([mode, round, packets]) => {
  const one = { ...sent, seconds: 1, packets }
  return roundRecord(facts({ mode, round, delivered: delivered(packets / 2, packets / 2), sent: one }))
})

t.test('a summary: medians and sums per candidate, ratios by paired rounds', async (t) => {
  const costs = { b: { prepareNanoseconds: 12, crossingNanoseconds: null } }
  const [a, b] = summarize(['a', 'b'], records, seededRandom(1), costs)
  t.match(a, {
    mode: 'a',
    rounds: 3,
    packets: 420,
    systemCalls: 72,
    delivered: 210,
    lost: 210,
    prepareNanoseconds: null,
  })
  t.same(a.packetsPerSecond, { median: 100, low: 20, high: 300, confidence: 0.75 })
  t.same(a.deliveredPerSecond, { median: 50, low: 10, high: 150, confidence: 0.75 })
  t.match(b.cpu, { userShare: 0.5, systemShare: 1 })
  t.equal(b.ratioToFirst?.median, 2, 'of 2, 3 and 1.5')
  t.equal(b.deliveredRatioToFirst?.median, 2)
  t.equal(b.prepareNanoseconds, 12)
  t.equal(b.breakdown, null)
  t.equal(b.interfacePackets, null, 'unknown is not zero')
  const silent = records.map((record) => ({ ...record, packetsPerSecond: 0 }))
  t.equal(rateRatio(records, silent, seededRandom(1)), null, 'no ratio to zero')
})

t.test('an incomplete round: ratios use the rounds that both have', async (t) => {
  const [, b] = summarize(['a', 'b'], records.slice(0, -1), seededRandom(1))
  t.equal(b.rounds, 2)
  t.strictSame(b.ratioToFirst, { median: 2.5, low: 2, high: 3, confidence: 0.5 })
})

t.test('the components of a datagram', async (t) => {
  const cpu = { userSeconds: 0.2, systemSeconds: 0.8 }
  const one = { ...sent, seconds: 1, packets: 1_000_000, sendCalls: 1_000_000, wouldBlock: 0, cpu }
  const costs = { sendmsg: { prepareNanoseconds: 20, crossingNanoseconds: 80 } }
  const [row] = summarize(['sendmsg'], [roundRecord(facts({ mode: 'sendmsg', sent: one }))], seededRandom(1), costs)
  t.match(row.breakdown?.marshalling, { nanoseconds: 20, share: 0.02 })
  t.match(row.breakdown?.crossing, { nanoseconds: 80, share: 0.08 })
  t.match(row.breakdown?.systemCall, { nanoseconds: 900, share: 0.9 })
  t.match(table(summaryRows([row], undefined)), /^FFI crossing +80\.0 ns \(8\.0 %\)$/m)
})

t.test('the closing sentences: components, the gain of batching and its limit, GSO', async (t) => {
  const [costs, batching, gso, next] = answerInWords(knownRun())
  t.match(
    costs,
    /^With sendmsg, a 1,400-byte datagram takes 2,000 ns .*: 1\.0 % .*marshalling.*, 4\.0 % .*FFI.*, 95\.0 % /,
  )
  // 2000 = a + b and 1562.5 = a / 64 + b give a = 444 and b = 1556.
  t.match(batching, /sends 1\.28 times .* about 1\.29 times: 1,556 of the 2,000 ns are work on each datagram/)
  t.match(
    gso,
    /^GSO sends 4\.00 times as many packets as sendmsg; 3\.00 times as many were delivered \(25\.0 % were lost\)/,
  )
  t.match(next, /bench\/profile\.ts$/)
  const paced = knownRun()
  t.strictSame(answerInWords({ ...paced, plan: { ...paced.plan, packetsPerSecond: 1000 } }), [])
})

t.test('a busy machine, and few rounds, are reported', async (t) => {
  t.strictSame(warningsOf(knownRun()), [])
  t.match(warningsOf(knownRun({ cpuShare: 0.47 })), [/^Busy machine: .*sendmsg 47\.0 %.*rates are too low/])
  t.match(notesOf(knownRun({ rounds: 2 }))[0], /of 2 rounds it is a 50\.0 % interval \(95 % requires six\)/)
  t.match(notesOf(knownRun({ rounds: 6 }))[0], /with 95 % interval/)
})

t.test('rows without a value are left out of the table', async (t) => {
  const counters = { name: 'sink0', txPackets: 7, txBytes: 0, txDropped: 2, rxPackets: 0, rxBytes: 0, rxDropped: 3 }
  const rows = [
    roundRecord(facts({ mode: 'a', delivered: delivered(990, 10), interface: counters })),
    roundRecord(facts({ mode: 'b' })),
  ]
  const summary = summarize(['a', 'b'], rows, seededRandom(1))
  const text = table(summaryRows(summary, 'sink0'))
  t.match(text, /^ +a +b\n-+\n/)
  t.match(text, /\ndelivered\/s +495 +-\n/)
  t.match(text, /\ndelivered +990 +-\n/)
  t.match(text, /\nlost +10 \(1\.0 %\) +-\n/)
  t.match(text, /\nsink0 counted +7 +-\n/)
  t.match(text, /\nsink0 dropped +5 +-$/)
  t.notMatch(text, /marshalling|errors/)
  t.notMatch(table(summaryRows([summary[1]], undefined)), /delivered|counted/)
})

t.test('several streams: a row for each, and one report of what arrived', async (t) => {
  const counts = (packets: number, lost: number | null) => {
    return { seconds: 1, packets, errors: 0, delivered: lost === null ? null : delivered(packets - lost, lost) }
  }
  const rows = [1, 2].map((round) => {
    const streams = [counts(10 * round, 1), counts(20 * round, 2)]
    return { ...roundRecord(facts({ round })), streams }
  })
  const summary = summarize(['sendmmsg'], rows, seededRandom(1))
  t.strictSame(summary[0].streams, [
    { packets: 30, delivered: 28, lost: 2 },
    { packets: 60, delivered: 56, lost: 4 },
  ])
  t.match(table(summaryRows(summary, undefined)), /\nstream 1 sent, lost +30, 2\nstream 2 sent, lost +60, 4$/)
  const unknown = summarize(['sendmmsg'], [{ ...rows[0], streams: [counts(5, null)] }], seededRandom(1))
  t.match(table(summaryRows(unknown, undefined)), /\nstream 1 sent, lost +5, -$/)
  const many = [{ ...rows[0], streams: Array.from({ length: 17 }, () => counts(5, 1)) }]
  t.notMatch(table(summaryRows(summarize(['sendmmsg'], many, seededRandom(1)), undefined)), /stream 17/)

  const [one, other] = [delivered(30, 3), delivered(10, 1)]
  t.strictSame(
    addDelivery({ ...one, jitterMicroseconds: 5, duplicated: 2 }, { ...other, receiveCalls: 40, reordered: null }),
    {
      ...{ delivered: 40, lost: 4, bytes: 56_000, reordered: null, duplicated: 2, outdated: 0, jitterMicroseconds: 5 },
      ...{ truncated: 0, kernelDrops: 3, receiveCalls: 50, achievedBatch: (30 + 40) / 50 },
      cpu: { userSeconds: 0, systemSeconds: 0 },
    },
  )
})

t.test('a table: columns as wide as their widest cell', async (t) => {
  const text = table([
    ['', 'one', 'two'],
    ['longest', '1', '1,234,567'],
    ['x', '22', '3'],
  ])
  t.equal(
    text,
    [
      '          one         two', //
      '-------------------------',
      'longest     1   1,234,567',
      'x          22           3',
    ].join('\n'),
  )
})

t.test('numbers for people', async (t) => {
  t.equal(whole(1_234_567.5), '1,234,568')
  t.equal(gigabits(5_978_123_456), '5.978')
  t.equal(mebibytes(67_108_864), '64.0 MiB')
  t.equal(percent(0), '0.0 %')
  t.equal(percent(0.5), '50.0 %')
  t.equal(percent(0.000123), '0.012 %', 'not 0.0 %')
  t.equal(signedPercent(-0.05), '-5.0 %')
  t.equal(signedPercent(0.125), '+12.5 %')
})

t.test('one line per round', async (t) => {
  const record = roundRecord(facts({ delivered: delivered(990, 10), sent: { ...sent, errors: 3 } }))
  t.equal(roundLine(record, 5), 'round 1 of 5, sendmmsg: 500 packets/s, 0.006 Gbit/s, lost 1.0 %, 3 errors')
  t.equal(roundLine(roundRecord(facts({})), 5), 'round 1 of 5, sendmmsg: 500 packets/s, 0.006 Gbit/s')
})

t.test('progress: once an interval, not at the very end, nothing when quiet', async (t) => {
  const ticks = (isQuiet: boolean, intervalSeconds: number) => {
    const lines: string[] = []
    const tick = new Progress(isQuiet, intervalSeconds, (line) => lines.push(line)).ticker(3)
    for (const seconds of [0.5, 1.01, 1.5, 2.6, 2.9, 3]) tick(seconds, () => `after ${seconds}`)
    return lines
  }
  t.strictSame(ticks(false, 1), ['after 1.01\n', 'after 2.6\n'])
  t.strictSame(ticks(false, 5), [])
  t.strictSame(ticks(false, 0), [])
  t.strictSame(ticks(true, 1), [])
})
