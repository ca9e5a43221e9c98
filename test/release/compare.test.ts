import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import type { Estimate } from '../../bench/stats/interval.js'
import { type BenchDocument, bench, benchJson, missing } from '../bench/support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

type CompareDocument = BenchDocument & {
  ratios: { candidate: string; ratio: Estimate | null; cpuRatio: Estimate | null }[]
}
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('batchconn-bench-peers-'))

t.test(
  'against C and node:dgram: the same work, every datagram accounted for',
  { skip: missing('cc', '--version') },
  async (t) => {
    const before = leftovers()
    const line = '--peers c --mode sendmmsg,dgram --rounds 3 --duration 0.1 --omit 0.05 --batch 16 --size 300'
    const { config, results, summary, ratios } = await benchJson<CompareDocument>('compare', line, { tsNode: true })
    t.match(config, {
      modes: ['sendmmsg', 'dgram'],
      peers: ['c'],
      skipped: [],
      sizeBytes: 300,
      batch: 16,
      local: true,
    })
    t.equal(results.length, 9)
    for (const { mode, packets, bytes, delivered, achievedBatch, systemCalls, wouldBlock } of results) {
      t.ok(packets > 0, mode)
      t.equal(bytes, packets * 300)
      t.equal((delivered?.delivered ?? 0) + (delivered?.lost ?? 0), packets)
      t.match(delivered, { duplicated: 0, reordered: 0, bytes: (delivered?.delivered ?? 0) * 300 })
      t.ok(achievedBatch <= (mode === 'dgram' ? 1 : 16))
      t.ok(systemCalls >= packets / 16 + wouldBlock)
    }
    t.strictSame(
      summary.map(({ mode, prepareNanoseconds }) => [mode, prepareNanoseconds === null]),
      [
        ['batchconn', false],
        ['dgram', false],
        ['c', true],
      ],
    )
    t.strictSame(
      ratios.map(({ candidate }) => candidate),
      ['dgram', 'c'],
    )
    for (const { candidate, ratio, cpuRatio } of ratios) {
      const rate = (mode: string, round: number) =>
        results.find((row) => row.mode === mode && row.round === round)?.packetsPerSecond ?? 0
      const each = [1, 2, 3].map((round) => rate('batchconn', round) / rate(candidate, round)).sort((a, b) => a - b)
      const { median, low, high } = ratio as Estimate
      t.equal(median, each[1], 'the middle one of the rounds')
      t.ok((cpuRatio?.median ?? 0) > 0)
      t.ok(low >= each[0] && low <= median && median <= high && high <= each[2])
    }
    t.strictSame(leftovers(), before, 'nothing is left in the temporary folder')
  },
)

t.test(
  'GSO: C sends the same, Go does not support it, and other modes',
  { skip: missing('cc', '--version') },
  async (t) => {
    const line =
      '--mode gso,sendmmsg --peers c,go --segments 128 --size 1000 --batch 16 --rounds 2 --duration 0.1 --omit 0'
    const { config, results, ratios } = await benchJson<CompareDocument>('compare', line, { tsNode: true })
    t.match(config, {
      modes: ['gso', 'sendmmsg'],
      segments: 65,
      skipped: [{ name: 'go', reason: 'it does not support GSO' }],
    })
    t.equal(results.length, 6)
    for (const { mode, packets, bytes, delivered, achievedBatch, wouldBlock } of results) {
      t.ok(packets > 0 && bytes === packets * 1000, mode)
      if (wouldBlock === 0) t.equal(achievedBatch, mode === 'sendmmsg' ? 16 : 65, mode)
      t.equal((delivered?.delivered ?? 0) + (delivered?.lost ?? 0), packets, mode)
      t.match(delivered, { duplicated: 0, reordered: 0, bytes: (delivered?.delivered ?? 0) * 1000 })
    }
    t.strictSame(
      ratios.map(({ candidate }) => candidate),
      ['sendmmsg', 'c'],
    )
  },
)

t.test('sendmsg, connected, and as a table', { skip: missing('cc', '--version') }, async (t) => {
  const line = '--peers c --mode sendmsg --connect --prepare batch --rounds 2 --duration 0.05 --omit 0'
  const { status, stdout } = await bench('compare', line, { tsNode: true })
  t.equal(status, 0)
  t.match(stdout, /^ +batchconn +c$/m)
  t.match(stdout, /^achieved batch +1\.00 +1\.00$/m)
  t.match(stdout, /^packets per second, batchconn \/ c: [\d.]+ \(range [\d.]+ - [\d.]+\)$/m)
  t.match(stdout, /^packets per CPU second, batchconn \/ c: [\d.]+ \(/m)
})

t.test('a peer that cannot be built here is left out, with the reason', async (t) => {
  const wrapper = ['/usr/bin/env', 'PATH=/nonexistent']
  const line = '--peers c,go --mode sendmmsg --rounds 1 --duration 0.05 --omit 0'
  const { config, summary, ratios } = await benchJson<CompareDocument>('compare', line, { wrapper })
  t.match(config.skipped, [
    { name: 'c', reason: 'no C compiler (cc) on this host' },
    { name: 'go', reason: 'no Go (go) on this host' },
  ])
  t.equal(summary.length, 1)
  t.strictSame(ratios, [])
})

t.test('against Go', { skip: missing('go', 'version') }, async (t) => {
  const { config, results } = await benchJson<CompareDocument>(
    'compare',
    '--peers go --mode sendmmsg --rounds 1 --duration 0.1 --omit 0',
    { tsNode: true },
  )
  const skipped = config.skipped as { reason: string }[]
  if (skipped.length > 0) {
    t.comment(`Go's peer: ${skipped[0].reason}`)
    return
  }
  const row = results.find(({ mode }) => mode === 'go')
  t.ok((row?.packets ?? 0) > 0)
  t.equal((row?.delivered?.delivered ?? 0) + (row?.delivered?.lost ?? 0), row?.packets)
})
