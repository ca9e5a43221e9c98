import { spawnSync } from 'node:child_process'
import { release } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type BenchDocument, BenchProcess, bench, benchJson, useOwnLoopback } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

t.before(() => useOwnLoopback(t))

/** `send`'s own document. */
type SendDocument = BenchDocument & { warnings: string[] }

const QUICK = '--duration 0.1 --rounds 2 --omit 0.05'

t.test('called as in the README: a table on standard output, progress on standard error', async (t) => {
  // tap puts a loader of its own into NODE_OPTIONS.
  const words = ['--unset=NODE_OPTIONS', 'npx', 'ts-node', 'bench/send.ts', ...QUICK.split(' ')]
  const { status, stdout, stderr } = spawnSync('env', words, { cwd: join(__dirname, '../..'), encoding: 'utf8' })
  t.equal(status, 0, stderr)
  const labels = [
    'packets/s',
    'Gbit/s',
    'ns per packet',
    'delivered/s',
    'marshalling',
    'FFI crossing',
    'system call',
    'system calls',
    'achieved batch',
    'user CPU',
    'system CPU',
  ]
  for (const label of [...labels, 'sent', 'delivered', 'lost', 'lo counted']) {
    t.match(stdout, new RegExp(`^${label} +[\\d.,]+.* {3}[\\d.,]+`, 'm'), label)
  }
  t.match(stdout, /^ +sendmsg +sendmmsg +gso$/m)
  t.match(stdout, /^datagrams of 1400 bytes to 127\.0\.0\.1:\d+ \(a process on this host\)$/m)
  t.match(stdout, /GSO sends of 40, not connected, headers built once/)
  t.notMatch(stdout, /artefact/, 'without GRO in the receiver, GSO sends are split')
  t.match(stdout, /^With sendmsg, a 1,400-byte datagram takes [\d,]+ ns of processor time: .* % for preparing/m)
  t.match(stdout, /^Batching \(sendmmsg of 64\) sends [\d.]+ times \[/m)
  t.match(stdout, /^GSO sends [\d.]+ times .* as many were delivered/m)
  t.match(stdout, /bench\/profile\.ts\n$/)
  t.match(stdout, /^delivered, ratio to sendmsg +1 +[\d.]+/m)
  for (const mode of ['sendmsg', 'sendmmsg', 'gso']) {
    for (const round of [1, 2]) t.match(stderr, new RegExp(`^round ${round} of 2, ${mode}: [\\d,]+ packets/s`, 'm'))
  }
})

t.test('the JSON document, field by field', async (t) => {
  const document = await benchJson<SendDocument>(
    'send',
    `${QUICK} --mode sendmsg,sendmmsg,dgram --batch 16 --size 200 --seed 5`,
  )
  t.match(document, { schemaVersion: 2, command: 'send', partial: null })
  t.strictSame(Object.keys(document), [
    'schemaVersion',
    'command',
    'machine',
    'partial',
    'config',
    'results',
    'summary',
    'answer',
    'warnings',
  ])
  t.ok(document.warnings.every((warning) => warning.startsWith('Busy machine')))
  t.match(document.config, {
    to: { address: '127.0.0.1', port: Number, family: 'ipv4' },
    local: true,
    modes: ['sendmsg', 'sendmmsg', 'dgram'],
    skipped: [],
    sizeBytes: 200,
    batch: 16,
    segments: 40,
    durationSeconds: 0.1,
    rounds: 2,
    omitSeconds: 0.05,
    connect: false,
    prepare: 'once',
    packetsPerSecond: null,
    bind: null,
    control: true,
    seed: 5,
    receiver: { mode: 'recvmmsg', batch: 64, gro: false, receiveBufferBytes: Number },
  })
  t.match(document.machine, {
    kernel: release(),
    cpu: String,
    cores: Number,
    node: process.versions.node,
    koffi: String,
  })
  const { results, summary } = document
  t.strictSame(results.map(({ mode, round }) => `${mode} ${round}`).sort(), [
    ...['dgram 1', 'dgram 2', 'sendmmsg 1', 'sendmmsg 2', 'sendmsg 1', 'sendmsg 2'],
  ])
  for (const row of results) {
    const { mode, seconds, packets, delivered } = row
    t.ok(packets > 0 && packets % 1 === 0, mode)
    t.ok(seconds >= 0.1 && seconds < 10)
    t.equal(row.bytes, packets * 200)
    t.ok(row.systemCalls >= packets / (mode === 'sendmmsg' ? 16 : 1))
    t.ok(row.achievedBatch > 0 && row.achievedBatch <= (mode === 'sendmmsg' ? 16 : 1))
    t.equal(row.errors, 0)
    t.ok(row.cpu.userSeconds >= 0 && row.cpu.systemSeconds >= 0)
    if (delivered === null) throw new Error('no delivery report')
    t.equal(delivered.delivered + delivered.lost, packets, 'every datagram is counted once')
    t.equal(delivered.bytes, delivered.delivered * 200)
    t.match(delivered, { reordered: 0, duplicated: 0, outdated: 0, truncated: 0, kernelDrops: delivered.lost })
    t.ok((delivered.jitterMicroseconds ?? -1) >= 0)
    t.ok(delivered.achievedBatch >= 1 && delivered.achievedBatch <= 64)
    t.match(row.interface, { name: 'lo', txPackets: Number, txBytes: Number, txDropped: 0 })
    // Others may use lo meanwhile, so there can be more.
    t.ok((row.interface?.txPackets ?? 0) >= packets)
  }
  t.strictSame(
    summary.map(({ mode, rounds }) => `${mode} ${rounds}`),
    ['sendmsg 2', 'sendmmsg 2', 'dgram 2'],
  )
  for (const row of summary) {
    const rates = results.filter(({ mode }) => mode === row.mode).map(({ packetsPerSecond }) => packetsPerSecond)
    const { median, low, high } = row.packetsPerSecond
    t.strictSame([low, high], [Math.min(...rates), Math.max(...rates)])
    t.ok(Math.abs(median - (rates[0] + rates[1]) / 2) < 1e-6)
    t.match(row, { bitsPerSecond: { median: Number }, nanosecondsPerPacket: { median: Number }, lost: Number })
    t.ok((row.prepareNanoseconds ?? 0) > 0)
    t.ok((row.ratioToFirst?.median ?? 0) > 0)
  }
  t.equal(summary[0].ratioToFirst?.median, 1)
})

t.test('GSO: counted by the datagram, split for a receiver without GRO', async (t) => {
  const line = `${QUICK} --mode gso,sendmmsg+gso,batchconn-dgram --size 1001 --segments 20 --batch 3`
  const { config, results, warnings } = await benchJson<SendDocument>('send', line)
  t.match(config, { segments: 20, batch: 3, skipped: [] })
  t.notMatch(warnings.join('\n'), /artefact/)
  const perCall = { gso: 20, 'sendmmsg+gso': 60, 'batchconn-dgram': 64 }
  t.equal(results.length, 6)
  for (const { mode, packets, bytes, systemCalls, wouldBlock, achievedBatch, delivered } of results) {
    const each = perCall[mode as keyof typeof perCall]
    t.ok(packets > 0 && bytes === packets * 1001, mode)
    if (wouldBlock === 0) t.strictSame([packets, achievedBatch], [systemCalls * each, each], mode)
    t.equal((delivered?.delivered ?? 0) + (delivered?.lost ?? 0), packets)
    t.match(delivered, { duplicated: 0, reordered: 0, truncated: 0, bytes: (delivered?.delivered ?? 0) * 1001 })
    t.equal(delivered?.kernelDrops, delivered?.lost, mode)
  }
})

t.test('without GSO its modes are skipped, with a note; the drop-in works', async (t) => {
  const env = { ...process.env, BATCHCONN_NO_GSO: '1' }
  const reason = 'the environment variable BATCHCONN_NO_GSO is set'
  const line = `${QUICK} --rate 20k --mode sendmmsg,gso,batchconn-dgram`
  const { config, summary, warnings, results } = await benchJson<SendDocument>('send', line, { env })
  t.match(config, { skipped: [{ name: 'gso', reason }] })
  t.match(warnings, [`without gso: ${reason}`])
  t.strictSame(
    summary.map(({ mode }) => mode),
    ['sendmmsg', 'batchconn-dgram'],
  )
  for (const { packets, delivered } of results) t.match(delivered, { delivered: packets, lost: 0 })
  const { status, stderr } = await bench('send', `${QUICK} --mode gso --quiet`, { env })
  t.equal(status, 1)
  t.match(stderr, /^send: no gso to 127\.0\.0\.1:\d+: the environment variable BATCHCONN_NO_GSO is set\n$/)
})

t.test('datagrams too short for a sequence number are only counted, with a note', async (t) => {
  const { stdout, stderr } = await bench('send', `${QUICK} --size 15 --rate 20k --json`)
  const { results } = JSON.parse(stdout)
  t.match(stderr, /below 16 bytes/)
  for (const { packets, delivered } of results) {
    t.match(delivered, { delivered: packets, lost: 0, reordered: null, duplicated: null, jitterMicroseconds: null })
  }
})

t.test('the largest datagrams', async (t) => {
  const { results } = await benchJson('send', '--duration 0.1 --rounds 1 --omit 0 --size 65507 --batch 4 --rate 500')
  for (const { packets, delivered } of results) t.match(delivered, { delivered: packets, bytes: packets * 65_507 })
})

t.test('the same seed, the same order; reports within a round; quiet', async (t) => {
  const order = async () => {
    const { results } = await benchJson('send', '--duration 0.02 --rounds 6 --omit 0 --seed 42 --quiet')
    return results.map(({ mode }) => mode)
  }
  const first = await order()
  t.strictSame(await order(), first)
  t.not(new Set(first.filter((_, index) => index % 2 === 0)).size, 1, `not always the same first: ${first}`)
  const talking = await bench('send', '--duration 0.5 --rounds 1 --omit 0 --mode sendmmsg --interval 0.1')
  t.match(talking.stderr, /round 1 of 1, sendmmsg, after 0\.\d s: [\d,]+ packets\/s/)
  t.equal((await bench('send', '--duration 0.1 --rounds 1 --omit 0 --quiet')).stderr, '')
})

const childOf = ({ child }: BenchProcess) => {
  const [pid] = spawnSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).stdout.split('\n')
  return Number(pid)
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  t.test(`${signal} before the first result: one line, and no receiver is left`, async (t) => {
    const sender = new BenchProcess('send', ['--duration', '20'])
    await sender.says(/warming up/)
    const receiver = childOf(sender)
    t.ok(receiver > 0)
    const ended = await sender.end(signal)
    t.equal(ended.status, status)
    t.equal(ended.stdout, '')
    t.match(ended.stderr, new RegExp(`^send: interrupted by ${signal}$`, 'm'))
    t.throws(() => process.kill(receiver, 0), { code: 'ESRCH' })
  })
}

t.test('Ctrl-C in the terminal, which reaches the whole process group: the rounds so far are printed', async (t) => {
  const wrapper = ['setsid']
  const sender = new BenchProcess('send', '--duration 0.1 --rounds 500 --omit 0'.split(' '), { wrapper })
  await sender.says(/round 3 of 500/)
  process.kill(-Number(sender.child.pid), 'SIGINT')
  const { status, stdout, stderr } = await sender.finished()
  t.equal(status, 130)
  t.match(stdout, /^PARTIAL RESULT: \d+ of 500 rounds are complete \(interrupted by SIGINT\)\n/)
  t.match(stdout, /^ratio to sendmsg +1 +[\d.]+/m)
  t.match(stderr, /^send: interrupted by SIGINT$/m)
  t.notMatch(stderr, /\n {4}at /)
})

t.test('--parallel: each stream is counted, the row is their total, and a signal ends the threads', async (t) => {
  const line = `${QUICK} --parallel 12 --rate 500 --mode sendmmsg,gso,dgram --json`
  const { stdout: text, stderr } = await bench('send', line)
  t.notMatch(stderr, /Warning/)
  const { results, summary } = JSON.parse(text) as BenchDocument
  t.equal(results.length, 6)
  for (const { mode, packets, delivered, streams = [] } of results) {
    t.equal(streams.length, 12, mode)
    for (const stream of streams) t.match(stream.delivered, { delivered: stream.packets, lost: 0, duplicated: 0 })
    t.equal(
      streams.reduce((sum, stream) => sum + stream.packets, 0),
      packets,
    )
    t.match(delivered, { delivered: packets, lost: 0 })
  }
  for (const row of summary) t.match(row, { breakdown: null, streams: Array(12).fill({ lost: 0 }) })
  const words = '--duration 0.1 --rounds 500 --omit 0 --parallel 2 --mode sendmsg,batchconn-dgram'
  const sender = new BenchProcess('send', words.split(' '))
  await sender.says(/round 2 of 500/)
  const { status, stdout } = await sender.end('SIGINT')
  t.equal(status, 130)
  t.match(stdout, /^PARTIAL RESULT: [\s\S]*^2 streams of datagrams of 1400 bytes [\s\S]*^stream 2 sent, lost +[\d,]+/m)
})

t.test('killed by SIGKILL, the receiver ends by itself', async (t) => {
  const sender = new BenchProcess('send', ['--duration', '20'])
  await sender.says(/warming up/)
  const receiver = childOf(sender)
  await sender.end('SIGKILL')
  const isAlive = () => {
    try {
      return process.kill(receiver, 0)
    } catch {
      return false
    }
  }
  for (let tries = 0; isAlive() && tries < 500; tries += 1) await new Promise((resolve) => setTimeout(resolve, 20))
  t.notOk(isAlive())
})
