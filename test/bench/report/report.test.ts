import t from 'tap'
import { gigabits, mebibytes, percent, whole } from '../../../bench/report/format.js'
import { Progress } from '../../../bench/report/progress.js'
import { type RoundFacts, resultRow } from '../../../bench/report/result-row.js'
import { roundLine } from '../../../bench/report/round-line.js'
import { rateRatio, summarize } from '../../../bench/report/summary.js'
import { summaryTable } from '../../../bench/report/summary-table.js'
import { table } from '../../../bench/report/table.js'
import { seededRandom } from '../../../bench/workload/random.js'

const facts = (overrides: Partial<RoundFacts>): RoundFacts => ({
  mode: 'sendmmsg',
  round: 1,
  seconds: 2,
  packets: 1000,
  bytes: 1_400_000,
  systemCalls: 20,
  batchCalls: 16,
  delivered: null,
  interface: null,
  cpu: { userSeconds: 0.5, systemSeconds: 1 },
  wouldBlock: 4,
  errors: 0,
  ...overrides,
})

const delivered = (count: number, lost: number) => ({
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
})

t.test('a row: the rates follow from the counts', async (t) => {
  const { batchCalls, ...given } = facts({})
  t.strictSame(resultRow({ batchCalls, ...given }), {
    ...given,
    packetsPerSecond: 500,
    bitsPerSecond: 5_600_000,
    nanosecondsPerPacket: 2_000_000,
    achievedBatch: 62.5,
  })
  t.match(resultRow(facts({ packets: 0, bytes: 0, seconds: 0, batchCalls: 0 })), {
    packetsPerSecond: 0,
    bitsPerSecond: 0,
    nanosecondsPerPacket: null,
    achievedBatch: 0,
  })
})

t.test('a summary: medians and sums a mode, the ratio by paired rounds', async (t) => {
  const rates: [string, number, number][] = [
    ['a', 1, 100],
    ['b', 1, 200],
    ['b', 2, 60],
    ['a', 2, 20],
    ['a', 3, 300],
    ['b', 3, 450],
  ]
  const rows = rates.map(([mode, round, packets]) =>
    resultRow(facts({ mode, round, seconds: 1, packets, delivered: delivered(packets - 1, 1) })),
  )
  const [a, b] = summarize(['a', 'b'], rows, seededRandom(1), { b: 12 })
  t.match(a, { mode: 'a', rounds: 3, packets: 420, systemCalls: 60, delivered: 417, lost: 3, prepareNanoseconds: null })
  t.same(a.packetsPerSecond, { median: 100, low: 20, high: 300 })
  t.match(b.cpu, { userShare: 0.5, systemShare: 1 })
  t.equal(b.ratioToFirst?.median, 2, 'of 2, 3 and 1.5')
  t.equal(b.prepareNanoseconds, 12)
  t.equal(b.interfacePackets, null, 'what is not known is not zero')
  const silent = rows.map((row) => ({ ...row, packetsPerSecond: 0 }))
  t.equal(rateRatio(rows, silent, seededRandom(1)), null, 'nothing is a multiple of zero')
})

t.test('the summary as a table leaves out what nobody knows', async (t) => {
  const counters = { name: 'sink0', txPackets: 7, txBytes: 0, txDropped: 2, rxPackets: 0, rxBytes: 0, rxDropped: 3 }
  const rows = [
    resultRow(facts({ mode: 'a', delivered: delivered(990, 10), interface: counters })),
    resultRow(facts({ mode: 'b' })),
  ]
  const summary = summarize(['a', 'b'], rows, seededRandom(1))
  const text = summaryTable(summary, 'sink0')
  t.match(text, /^ +a +b\n-+\n/)
  t.match(text, /\ndelivered +990 +-\n/)
  t.match(text, /\nlost +10 \(1\.0 %\) +-\n/)
  t.match(text, /\nsink0 counted +7 +-\n/)
  t.match(text, /\nsink0 dropped +5 +-$/)
  t.notMatch(text, /prepare|errors/)
  t.notMatch(summaryTable([summary[1]], undefined), /delivered|counted/)
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
  t.equal(percent(0.000123), '0.012 %', 'a little is not nothing')
})

t.test('a line a round', async (t) => {
  const row = resultRow(facts({ delivered: delivered(990, 10), errors: 3 }))
  t.equal(roundLine(row, 5), 'round 1 of 5, sendmmsg: 500 packets/s, 0.006 Gbit/s, lost 1.0 %, 3 errors')
  t.equal(roundLine(resultRow(facts({})), 5), 'round 1 of 5, sendmmsg: 500 packets/s, 0.006 Gbit/s')
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
