import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { LatencyRecord, LatencyRow } from '../../bench/latency/measure.js'
import { type BenchDocument, BenchProcess, bench, benchJson, startReceiver, useOwnLoopback } from '../bench/support.js'
import { deadEndpoint } from '../support/sockets.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

t.before(() => useOwnLoopback(t))

type LatencyDocument = Omit<BenchDocument, 'results' | 'summary'> & {
  readonly results: readonly LatencyRecord[]
  readonly summary: readonly LatencyRow[]
  readonly warnings: readonly string[]
}
const latencyJson = (line: string) => benchJson<LatencyDocument & BenchDocument>('latency', line)

const counts = (histogram: LatencyRow['histogram']) => histogram.reduce((sum, [, count]) => sum + count, 0)

t.test('the table', async (t) => {
  const { status, stdout, stderr } = await bench('latency', '--rate 2k --rounds 1 --duration 0.6 --omit 0.05')
  t.equal(status, 0, stderr)
  t.match(stdout, /^2,000 requests\/s of 64 bytes to 127\.0\.0\.1:\d+ \(a process on this host\)$/m)
  t.match(stdout, /^answered with recvmmsg, batch 64/m)
  t.match(stdout, /^ +sendmsg +sendmmsg +dgram +batchconn-dgram$/m)
  for (const label of ['p50 us', 'p90 us', 'p99 us', 'p99\\.9 us', 'max us']) {
    t.match(stdout, new RegExp(`^${label}(?: +[\\d,]+\\.\\d){4}$`, 'm'), label)
  }
  t.match(stdout, /^p99\.99 us(?: +-){4}$/m, '1,200 replies do not determine it')
  for (const label of ['requests', 'replies']) t.match(stdout, new RegExp(`^${label}(?: +[\\d,]+){4}$`, 'm'))
  t.match(stderr, /^round 1 of 1, dgram: p50 [\d,.]+ us, p99 [\d,.]+ us, lost 0$/m)
})

t.test('--csv has a line per mode and round, without histograms; --html writes the page', async (t) => {
  const page = join(t.testdir(), 'latency.html')
  const line = `--rate 1k --rounds 2 --duration 0.1 --omit 0 --mode sendmsg,dgram --seed 1 --csv --html ${page}`
  const { status, stdout, stderr } = await bench('latency', line)
  t.equal(status, 0, stderr)
  const [names, ...rows] = stdout.trimEnd().split('\n')
  t.match(names, /^round,mode,seconds,due,sent,replies,lost,nanoseconds\.p50,nanoseconds\.p90,.*,nanoseconds\.max$/)
  t.strictSame(rows.map((row) => row.split(',').slice(0, 4).join(' ')).sort(), [
    '1 dgram 0.1 100',
    '1 sendmsg 0.1 100',
    '2 dgram 0.1 100',
    '2 sendmsg 0.1 100',
  ])
  const html = readFileSync(page, 'utf8')
  for (const part of ['<figure id="latency">', '1,000 requests/s of 64 bytes', '"histogram": [']) {
    t.ok(html.includes(part.replaceAll('"', part.startsWith('<') ? '"' : '&quot;')), part)
  }
  const both = await bench('latency', '--json --csv')
  t.strictSame([both.status, both.stderr], [2, 'latency: --json and --csv exclude each other\n'])
})

t.test('each request is answered once, and counted once', async (t) => {
  const line = '--rate 5k --rounds 2 --duration 0.2 --omit 0 --size 100 --batch 8 --seed 3'
  const { command, config, results, summary, warnings } = await latencyJson(line)
  t.equal(command, 'latency')
  t.match(config, {
    packetsPerSecond: 5000,
    sizeBytes: 100,
    batch: 8,
    seed: 3,
    local: true,
    receiver: { mode: 'recvmmsg' },
  })
  t.equal(results.length, 8)
  for (const { mode, due, sent, replies, lost, histogram, nanoseconds } of results) {
    t.equal(due, 1000, mode)
    // A busy machine sends fewer: the time ends.
    t.ok(sent <= due && sent > 0, mode)
    t.strictSame([replies, lost], [sent, 0], mode)
    t.equal(counts(histogram), replies)
    t.equal(nanoseconds.max, histogram.at(-1)?.[0])
    t.ok(Number(nanoseconds.p50) > 1000, 'a request takes more than a microsecond')
  }
  for (const { mode, histogram } of summary) {
    const rounds = results.filter((result) => result.mode === mode)
    t.equal(counts(histogram), counts(rounds.flatMap((round) => round.histogram)), mode)
  }
  t.match(warnings.at(-1), /share the cores/)
})

for (const mode of ['recvmsg', 'gro', 'dgram', 'batchconn-dgram']) {
  t.test(`a receiver with --mode ${mode} answers`, async (t) => {
    const { port } = deadEndpoint()
    const receiver = await startReceiver(`--listen 127.0.0.1:${port} --mode ${mode}`)
    const { results } = await latencyJson(`--to 127.0.0.1:${port} --rate 2k --rounds 1 --duration 0.1 --omit 0`)
    t.equal(results.length, 4)
    for (const { mode: by, sent, replies, lost } of results) t.ok(replies > 0 && replies + lost === sent, by)
    await receiver.end()
  })
}

t.test('while the receiver stands still, the requests that are due are measured from then on', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port}`)
  const line = `--to 127.0.0.1:${port} --rate 1k --rounds 1 --duration 2 --omit 0.2 --mode sendmsg --json`
  const client = new BenchProcess('latency', line.split(' '))
  await client.says(/warming up/)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  receiver.child.kill('SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, 400))
  receiver.child.kill('SIGCONT')
  const { status, stdout, stderr } = await client.finished()
  t.equal(status, 0, stderr)
  const { results } = JSON.parse(stdout) as LatencyDocument
  const [{ histogram, lost }] = results
  t.equal(lost, 0)
  // Those due in its first 200 ms wait for 200 ms and more. Were the next request sent after a reply, there would be one.
  const slow = counts(histogram.filter(([nanoseconds]) => nanoseconds >= 200e6))
  t.ok(slow >= 190, `${slow} of 200 requests waited`)
  await receiver.end()
})

t.test('a rate that cannot be kept: the requests that were not sent are reported', async (t) => {
  const { warnings, results } = await latencyJson(
    '--rate 10Mpps --size 16 --rounds 1 --duration 0.2 --omit 0 --mode dgram',
  )
  t.match(warnings.join('\n'), /^dgram: [\d,]+ requests were due and not sent: it cannot keep this rate\.$/m)
  t.ok(results[0].sent < results[0].due)
})
