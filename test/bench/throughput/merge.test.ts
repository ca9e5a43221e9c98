import t from 'tap'
import { mergeReports, parseReport } from '../../../bench/throughput/merge.js'

interface Round {
  readonly mode?: unknown
  readonly seconds?: unknown
  readonly packets?: number
  readonly delivered?: { delivered: number; lost: unknown } | null
}

const round = ({ packets = 10, ...rest }: Round = {}) => ({
  ...{
    mode: 'sendmmsg',
    round: 1,
    seconds: 1,
    packets,
    bytes: packets * 100,
    systemCalls: 2,
    wouldBlock: 0,
    errors: 0,
  },
  ...{ packetsPerSecond: packets, bitsPerSecond: packets * 800, deliveredPerSecond: null, delivered: null },
  ...rest,
})

/** A document of `send --json`, as text. */
const document = (results: object[], overrides: object = {}) =>
  JSON.stringify({
    ...{ schemaVersion: 2, command: 'send', partial: null, results },
    config: { sizeBytes: 100, modes: ['sendmmsg'], to: { port: Math.random() }, local: false, bind: null, seed: 1 },
    ...overrides,
  })
const parsed = (file: string, ...results: object[]) => parseReport(file, document(results))

t.test('counts are added, and rates of counts over durations', async (t) => {
  const merged = mergeReports([
    parsed(
      'a',
      round({ seconds: 1, packets: 100, delivered: { delivered: 90, lost: 10 } }),
      round({ seconds: 3, packets: 500, delivered: { delivered: 500, lost: 0 } }),
    ),
    parsed('b', round({ seconds: 2, packets: 50, delivered: { delivered: 49, lost: 1 } })),
  ])
  t.match(merged.results, [
    { mode: 'sendmmsg', file: 'a', seconds: 4, packets: 600, delivered: 590, lost: 10, packetsPerSecond: 150 },
    { mode: 'sendmmsg', file: 'b', seconds: 2, packets: 50, delivered: 49, lost: 1, packetsPerSecond: 25 },
  ])
  t.match(merged.summary, [
    {
      ...{ mode: 'sendmmsg', file: 'total', files: 2, seconds: 4, packets: 650, bytes: 65_000, systemCalls: 6 },
      ...{ delivered: 639, lost: 11, packetsPerSecond: 175, bitsPerSecond: 140_000, deliveredPerSecond: 147.5 + 24.5 },
    },
  ])
  t.strictSame(merged.summary.length, 1)
  t.strictSame(merged.warnings, [])
})

const latency = (histogram: [number, number][], overrides: object = {}) => ({
  ...{ mode: 'sendmsg', round: 1, seconds: 1, due: 10, sent: 10, replies: 9, lost: 1, histogram },
  nanoseconds: { p50: 1, 'p99.9': null, max: 1 },
  ...overrides,
})

t.test('latencies: percentiles are those of the added histograms', async (t) => {
  const of = (file: string, ...rounds: object[]) => parseReport(file, document(rounds, { command: 'latency' }))
  const { results, summary } = mergeReports([
    of(
      'a',
      latency([[1024, 3]]),
      latency(
        [
          [1024, 1],
          [4096, 1],
        ],
        { seconds: 2 },
      ),
    ),
    of('b', latency([[2048, 1000]])),
  ])
  t.match(results, [
    {
      file: 'a',
      seconds: 3,
      due: 20,
      sent: 20,
      replies: 18,
      lost: 2,
      nanoseconds: { p50: 1024, 'p99.9': null, max: 4096 },
    },
    { file: 'b', nanoseconds: { p50: 2048, 'p99.9': 2048, max: 2048 } },
  ])
  t.match(summary, [
    {
      ...{ mode: 'sendmsg', file: 'total', files: 2, seconds: 3, sent: 30, replies: 27, lost: 3 },
      ...{
        nanoseconds: { p50: 2048, 'p99.9': 2048, max: 4096 },
        histogram: [
          [1024, 4],
          [2048, 1000],
          [4096, 1],
        ],
      },
    },
  ])
  t.equal(results.length, 2)
  t.throws(() => mergeReports([of('a', latency([])), parsed('b', round())]), {
    message: 'b has another plan than a: command is "send", not "latency"',
  })
})

t.test('what one file does not know is unknown in the total', async (t) => {
  const [total] = mergeReports([
    parsed('a', round()),
    parsed('b', round({ packets: 1, delivered: { delivered: 1, lost: 0 } })),
  ]).summary
  t.match(total, { packets: 11, delivered: null, lost: null, deliveredPerSecond: null })
})

t.test('incomplete reports, and modes that are not in all of them, are named', async (t) => {
  const partial = parseReport('b', document([round({ packets: 3 })], { partial: '1 of 2 rounds are complete' }))
  const { warnings, summary } = mergeReports([parsed('a', round(), round({ mode: 'gso' })), partial])
  t.strictSame(warnings, ['b is incomplete: 1 of 2 rounds are complete', 'gso is in 1 of 2 files'])
  t.match(summary, [
    { mode: 'sendmmsg', files: 2, packets: 13 },
    { mode: 'gso', files: 1, packets: 10 },
  ])
})

t.test('several modes in different orders', async (t) => {
  const both = (packets: number) => [round({ packets }), round({ mode: 'gso', packets })]
  const config = { sizeBytes: 100, modes: ['sendmmsg'], seed: 2 }
  const other = parseReport('b', document(both(3), { config }))
  t.match(mergeReports([parsed('a', ...both(4)), other]).warnings, [/^the files have different seeds/])
  t.strictSame(mergeReports([parsed('a', ...both(4)), parsed('b', ...both(3))]).warnings, [])
})

t.test('the same run twice, and another plan', async (t) => {
  const a = parsed('a.json', round())
  t.throws(() => mergeReports([a, parsed('b.json', round())]), { message: 'b.json is the same run as a.json' })
  const config = { sizeBytes: 200, modes: ['sendmmsg'] }
  const other = parseReport('b.json', document([round({ packets: 3 })], { config }))
  t.throws(() => mergeReports([a, other]), {
    message: 'b.json has another plan than a.json: sizeBytes is 200, not 100',
  })
  const more = parseReport(
    'b.json',
    document([round({ packets: 3 })], { config: { ...config, sizeBytes: 100, parallel: 2 } }),
  )
  t.throws(() => mergeReports([a, more]), {
    message: 'b.json has another plan than a.json: parallel is 2, not missing',
  })
})

t.test('other files are rejected', async (t) => {
  const wrong: [string, RegExp][] = [
    ['', /^a\.json is not JSON$/],
    ['null', /^a\.json is not a report of send or latency; make one with --json$/],
    ['[1]', /not a report of send/],
    [document([latency([])], { command: 'latency', results: [{ ...latency([]), histogram: [[1, -1]] }] }), /damaged/],
    [document([round()], { command: 'recv' }), /not a report of send/],
    [document([round()], { schemaVersion: 1 }), /^a\.json has schema version 1, this command reads version 2$/],
    [document([]), /^a\.json has no results, or damaged ones$/],
    [document([round(), null as never]), /damaged/],
    [document([round({ mode: '\u001b[31m' })]), /damaged/],
    [document([round({ mode: 7 })]), /damaged/],
    [document([round({ seconds: -1 })]), /damaged/],
    [document([round({ seconds: '1' })]), /damaged/],
    [document([round({ delivered: { delivered: 1, lost: 'all' } })]), /damaged/],
    [document([], { results: 'none' }), /damaged/],
  ]
  for (const [text, message] of wrong) t.throws(() => parseReport('a.json', text), { name: 'Failure', message }, text)
})
