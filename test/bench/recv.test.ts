import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { ReceiveRecord } from '../../bench/control/receive-service.js'
import { deadEndpoint } from '../support/sockets.js'
import { type BenchDocument, BenchProcess, bench, benchJson, startReceiver, useOwnLoopback } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

type RecvDocument = Omit<BenchDocument, 'results'> & { readonly results: ReceiveRecord[] }

const QUICK = '--duration 0.1 --rounds 1 --omit 0 --rate 20k --quiet'

/** Why packets of other programs can be counted too. */
let isShared: string | false
t.before(async () => {
  isShared = await useOwnLoopback(t)
})

t.test('several senders, one after the other, each with all its datagrams', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --json`)
  const sent: unknown[] = []
  for (const mode of ['sendmmsg', 'sendmsg', 'dgram']) {
    const { config, results } = await benchJson('send', `--to 127.0.0.1:${port} ${QUICK} --mode ${mode}`)
    t.match(config, { local: false, receiver: { mode: 'recvmmsg', batch: 64 } })
    const [{ packets, delivered }] = results
    t.match(delivered, { delivered: packets, lost: 0 })
    sent.push({
      mode: 'recvmmsg',
      packets,
      bytes: packets * 1400,
      sender: { address: '127.0.0.1', mode },
      delivered: { delivered: packets, lost: 0, kernelDrops: 0 },
    })
  }
  const { status, stdout } = await receiver.end('SIGINT')
  t.equal(status, 0, 'Ctrl-C is how a receiver ends')
  const document = JSON.parse(stdout) as BenchDocument
  t.match(document, { schemaVersion: 2, command: 'recv', machine: { node: process.versions.node } })
  t.match(document.config, { listen: { port }, mode: 'recvmmsg', batch: 64, receiveBufferBytes: Number, control: true })
  t.match(document.results, sent)
  t.match(document.summary, [{ mode: 'recvmmsg', rounds: 3, lost: 0 }])
})

for (const mode of ['gro', 'batchconn-dgram']) {
  t.test(`${mode}: coalesced datagrams are counted, and the GSO rate is called an artefact`, async (t) => {
    if (isShared !== false) {
      t.plan(0, isShared)
      return
    }
    const { port } = deadEndpoint()
    const receiver = await startReceiver(`-p 127.0.0.1:${port} --mode ${mode} --json`)
    const modes = ['sendmmsg', 'gso', 'sendmmsg+gso', 'batchconn-dgram']
    const line = `--to 127.0.0.1:${port} ${QUICK} --mode ${modes} --segments 20 --size 1001`
    const { config, results, warnings } = await benchJson<BenchDocument & { warnings: string[] }>('send', line)
    t.match(config.receiver, { mode, batch: 64, gro: true })
    t.equal(results.length, 4)
    for (const { mode: sent, packets, delivered } of results) {
      t.match(delivered, { delivered: packets, bytes: packets * 1001, lost: 0, duplicated: 0, reordered: 0 }, sent)
    }
    t.strictSame(warnings.map((warning) => warning.split(':')[0]).sort(), modes.slice(1).sort())
    for (const warning of warnings) {
      t.match(warning, /lo counted [\d,]+ packets for [\d,]+ datagrams, .*: they were never split\. .* artefact\.$/)
    }
    const table = await bench('send', `--to 127.0.0.1:${port} ${QUICK} --mode gso`)
    t.match(table.stdout, /^gso: lo counted .* they were never split\. The rate is an artefact\.$/m)
    const document = JSON.parse((await receiver.end()).stdout) as BenchDocument
    t.match(document.config, { mode, gro: true })
    t.match(document.results.length, 5)
  })
}

t.test('the drop-in without GRO receives single datagrams', async (t) => {
  const { port } = deadEndpoint()
  const env = { ...process.env, BATCHCONN_NO_GRO: '1' }
  const receiver = await startReceiver(`-p 127.0.0.1:${port} --mode batchconn-dgram`, { env })
  const { config, results, warnings } = await benchJson<BenchDocument & { warnings: string[] }>(
    'send',
    `--to 127.0.0.1:${port} ${QUICK} --mode gso`,
  )
  t.match(config.receiver, { mode: 'batchconn-dgram', gro: false })
  t.match(results[0].delivered, { delivered: results[0].packets, lost: 0 })
  t.strictSame(
    warnings.filter((warning) => !warning.startsWith('Busy')),
    [],
  )
  await receiver.end()
  const { status, stderr } = await bench('recv', `-p 127.0.0.1:${port} --mode gro`, { env })
  t.equal(status, 1)
  t.equal(stderr, 'recv: GRO is not supported: the environment variable BATCHCONN_NO_GRO is set\n')
})

for (const mode of ['recvmsg', 'dgram']) {
  t.test(`${mode} counts as well`, async (t) => {
    const { port } = deadEndpoint()
    const receiver = await startReceiver(`-p 127.0.0.1:${port} --mode ${mode}`)
    const { config, results } = await benchJson('send', `--to 127.0.0.1:${port} ${QUICK} --mode sendmmsg`)
    t.match(config.receiver, { mode, batch: 1 })
    const [{ packets, delivered }] = results
    t.match(delivered, { delivered: packets, achievedBatch: 1, kernelDrops: mode === 'dgram' ? null : 0 })
    const { stdout } = await receiver.end()
    t.match(stdout, new RegExp(`^from 127\\.0\\.0\\.1 \\(sendmmsg\\): delivered ${packets.toLocaleString('en-US')}, `))
  })
}

t.test('IPv6, and every address by default', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen ${port}`)
  for (const host of ['[::1]', '127.0.0.1', 'localhost']) {
    const { config, results } = await benchJson('send', `--to ${host}:${port} ${QUICK}`)
    t.match(config.to, { port, family: host === '[::1]' ? 'ipv6' : String })
    for (const { packets, delivered } of results) t.match(delivered, { delivered: packets, lost: 0 }, host)
  }
  const { stdout } = await receiver.end()
  t.match(stdout, /^from \[::1\] \(sendmsg\)/m)
  t.match(stdout, /^from 127\.0\.0\.1 \(sendmsg\)/m)
})

t.test('without control connection: the sender reports what it sent, the receiver what arrived', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --no-control --json`)
  await t.rejects(benchJson('send', `--to 127.0.0.1:${port} ${QUICK}`), /there is no receiver at/)
  const { results, config, summary } = await benchJson('send', `--to 127.0.0.1:${port} ${QUICK} --no-control`)
  t.match(config, { control: false, receiver: null })
  t.ok(results.every(({ delivered }) => delivered === null))
  t.ok(summary.every(({ delivered, lost }) => delivered === null && lost === null))
  await sleep(100)
  const { stdout } = await receiver.end('SIGTERM')
  const received = (JSON.parse(stdout) as BenchDocument).results
  const packets = (rows: { packets: number }[]) => rows.map((row) => row.packets).sort((a, b) => a - b)
  t.strictSame(packets(received), packets(results))
  t.match(received, [{ sender: { address: null }, delivered: { lost: 0 } }, { sender: { address: null } }])
})

t.test('to an unused port', async (t) => {
  const { port } = deadEndpoint()
  for (const connect of ['--connect', '--no-connect']) {
    const line = `--to 127.0.0.1:${port} --no-control ${QUICK} ${connect} --mode sendmsg,sendmmsg,dgram`
    for (const { mode, packets, errors } of (await benchJson('send', line)).results) {
      t.ok(packets > 0, `${mode} ${connect}`)
      if (connect === '--no-connect') t.equal(errors, 0, 'without a connected socket, no error is reported')
    }
  }
})

t.test('several senders at the same time, one of which is killed: the others have all their datagrams', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --json`)
  const line = `--to 127.0.0.1:${port} --omit 0 --rate 5k`
  const killed = new BenchProcess('send', `${line} --duration 20 --rounds 1 --mode sendmsg --interval 0.1`.split(' '))
  await killed.says(/after 0\.\d s/)
  const others = ['sendmmsg', 'dgram', 'batchconn-dgram'].map((mode) =>
    benchJson('send', `${line} --duration 0.5 --rounds 2 --quiet --mode ${mode}`),
  )
  const documents = await Promise.all(others)
  const sent = documents.flatMap(({ results }) => results)
  for (const { packets, delivered } of sent) t.match(delivered, { delivered: packets, lost: 0, duplicated: 0 })
  await killed.end('SIGKILL')
  await benchJson('send', `${line} --duration 0.1 --rounds 1 --quiet --mode gso`)
  const { results } = JSON.parse((await receiver.end()).stdout) as RecvDocument
  t.equal(results.length, 8)
  for (const { mode, packets } of sent) {
    t.ok(results.some(({ sender, ...one }) => sender.mode === mode && one.packets === packets))
  }
  t.equal(results.filter(({ sender }) => sender.mode === 'sendmsg').length, 1, 'the killed one is reported, too')
})

t.test('what a stopped receiver misses is lost, and the kernel counts it', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --mode recvmmsg`)
  const line = `--to 127.0.0.1:${port} --duration 2 --rounds 1 --omit 0 --mode sendmmsg --interval 0.1 --json`
  const sender = new BenchProcess('send', line.split(' '))
  await sender.says(/after 0\.\d s/)
  receiver.child.kill('SIGSTOP')
  await sleep(1500)
  receiver.child.kill('SIGCONT')
  const [{ packets, delivered }] = (JSON.parse((await sender.finished()).stdout) as BenchDocument).results
  t.ok((delivered?.lost ?? 0) > 0)
  t.equal((delivered?.delivered ?? 0) + (delivered?.lost ?? 0), packets)
  t.equal(delivered?.kernelDrops, delivered?.lost)
  await receiver.end()
})

t.test('the receiver ends during a round: the rounds before are printed, marked as partial', async (t) => {
  const { port } = deadEndpoint()
  for (const json of [false, true]) {
    const receiver = await startReceiver(`--listen 127.0.0.1:${port}`)
    const line = `--to 127.0.0.1:${port} --duration 0.2 --rounds 100 --omit 0 --mode sendmmsg${json ? ' --json' : ''}`
    const sender = new BenchProcess('send', line.split(' '))
    await sender.says(/round 2 of 100/)
    await receiver.end('SIGKILL')
    const { status, stderr, stdout } = await sender.finished()
    t.equal(status, 1)
    t.match(stderr, /^send: lost the receiver at 127\.0\.0\.1:\d+: /m)
    t.notMatch(stderr, /\n {4}at /)
    if (json) {
      const { partial, results } = JSON.parse(stdout) as BenchDocument & { partial: string }
      t.match(partial, /^\d+ of 100 rounds are complete \(lost the receiver/)
      t.ok(results.length >= 2)
    } else {
      t.match(stdout, /^PARTIAL RESULT: \d+ of 100 rounds are complete \(lost the receiver/)
      t.match(stdout, /^packets\/s +[\d,]+/m)
    }
  }
})

t.test('a receiver that dies before the first round: one line, no table', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port}`)
  const sender = new BenchProcess('send', `--to 127.0.0.1:${port} --duration 5 --omit 0 --interval 0.1`.split(' '))
  await sender.says(/after 0\.\d s/)
  await receiver.end('SIGKILL')
  const { status, stdout } = await sender.finished()
  t.equal(status, 1)
  t.equal(stdout, '')
})

t.test('a token: with it, with another one, without', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --token s3cret`)
  const line = `--to 127.0.0.1:${port} ${QUICK} --mode sendmsg`
  for (const [token, expected] of [
    [' --token s3cret', 0],
    [' --token other', 1],
    ['', 1],
  ] as const) {
    const { status, stderr } = await bench('send', line + token)
    t.equal(status, expected)
    if (expected === 1) t.match(stderr, /^send: the receiver at .* refuses: it requires the right --token\n$/)
  }
  const env = { ...process.env, BATCHCONN_TOKEN: 's3cret' }
  t.equal((await bench('send', line, { env })).status, 0)
  const { stdout } = await receiver.end()
  t.notMatch(stdout, /s3cret/)
})

t.test('warm-up rounds are not in the report of the receiver', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --json`)
  await benchJson('send', `--to 127.0.0.1:${port} --duration 0.1 --rounds 1 --omit 0.1 --rate 20k --quiet`)
  const { results } = JSON.parse((await receiver.end()).stdout) as BenchDocument
  t.equal(results.length, 3)
})

t.test('a receiver with a time limit', async (t) => {
  const { port } = deadEndpoint()
  const { status, stdout, stderr } = await bench('recv', `--listen 127.0.0.1:${port} --duration 0.2 --json`)
  t.equal(status, 0)
  t.match(stderr, /^listening on 127\.0\.0\.1:\d+: recvmmsg, batch 64, receive buffer [\d.]+ MiB\n$/)
  t.match(JSON.parse(stdout), { results: [], summary: [], config: { durationSeconds: 0.2 } })
})
