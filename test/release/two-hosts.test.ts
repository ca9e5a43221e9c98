import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import {
  type BenchDocument,
  BenchProcess,
  bench,
  benchJson,
  missing,
  startReceiver,
  tracedCalls,
} from '../bench/support.js'
import { HOST_B, SINK, twoHosts } from '../support/two-hosts.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

const hosts = twoHosts('bench')
if (typeof hosts === 'string') {
  t.test('two hosts', { skip: hosts }, async () => {})
} else {
  const { env } = hosts
  t.teardown(() => hosts.down())
  const inHost = (where: 'A' | 'B' | 'sink') => ({ wrapper: hosts.command(where), env })

  for (const to of [`${HOST_B.ipv4}`, `[${HOST_B.ipv6}]`]) {
    t.test(`from A to ${to}: every datagram is counted, and the interface agrees`, async (t) => {
      const receiver = await startReceiver('', inHost('B'))
      const line = `--to ${to} --rounds 2 --duration 0.2 --omit 0.05 --mode sendmsg,sendmmsg,dgram`
      const { results } = await benchJson('send', line, inHost('A'))
      t.equal(results.length, 6)
      for (const { mode, packets, delivered, interface: counted } of results) {
        t.equal((delivered?.delivered ?? 0) + (delivered?.lost ?? 0), packets, mode)
        t.equal(delivered?.kernelDrops, delivered?.lost, 'nothing is lost on a wire like this one')
        t.equal(counted?.name, 'veth-a')
        // The acknowledgement of the receiver's last answer, and a neighbour looked up again.
        const others = (counted?.txPackets ?? 0) - packets
        t.ok(others >= 0 && others <= 6, `${others} packets besides the ${packets}`)
      }
      t.equal((await receiver.end()).status, 0)
    })
  }

  t.test('GSO sends to a receiver with GRO are not split on this wire, with a note', async (t) => {
    const receiver = await startReceiver('--mode gro', inHost('B'))
    const line = `--to ${HOST_B.ipv4} --rounds 1 --duration 0.2 --omit 0.05 --mode sendmmsg,gso`
    const { status, stdout } = await bench('send', line, inHost('A'))
    t.equal(status, 0)
    const note =
      /^gso: veth-a counted .*: they were never split, unless a device behind veth-a split them\. The rate is an artefact\.$/m
    t.match(stdout, note)
    t.notMatch(stdout, /^sendmmsg: /m)
    await receiver.end()
  })

  t.test('GSO with datagrams that the path would fragment is not supported', async (t) => {
    const { stderr, status } = await bench(
      'send',
      `--to ${HOST_B.ipv4} --no-control --mode gso --size 1473`,
      inHost('A'),
    )
    t.equal(status, 1)
    t.match(stderr, /no gso to 10\.83\.0\.2:5211: datagrams of 1473 bytes do not fit the MTU of 1500, and GSO segments/)
  })

  t.test('the interface is removed during a run: one clear line', async (t) => {
    const receiver = await startReceiver('', inHost('B'))
    for (const mode of ['sendmsg', 'sendmmsg', 'dgram']) {
      const line = `--to ${HOST_B.ipv4} --duration 20 --omit 0.05 --mode ${mode}`
      const sender = new BenchProcess('send', `${line} --interval 0.1`.split(' '), inHost('A'))
      await sender.says(/after 0\.\d s/)
      const namespace = env.BATCHCONN_NETNS_PREFIX
      t.equal(spawnSync('ip', ['-n', `${namespace}-a`, 'link', 'del', 'veth-a']).status, 0)
      const { status, stdout, stderr } = await sender.finished()
      t.equal(status, 1)
      t.equal(stdout, '')
      t.match(
        stderr,
        /^send: (cannot send to .*was the interface removed\?|the network interface veth-a does not exist).*\n$/m,
      )
      t.equal(stderr.split('\n').filter((text) => text.startsWith('send:')).length, 1)
      t.notMatch(stderr, /\n {4}at /)
      t.equal(spawnSync('scripts/netns.sh', ['up'], { env }).status, 0)
    }
    t.equal((await receiver.end()).status, 0, 'the receiver survives it')
  })

  const namespaceA = `${env.BATCHCONN_NETNS_PREFIX}-a`
  const tc = (...words: string[]) =>
    spawnSync('ip', ['netns', 'exec', namespaceA, 'tc', 'qdisc', ...words]).status === 0
  const slow = ['add', 'dev', 'veth-a', 'root', 'tbf', 'rate', '10mbit', 'burst', '20kb', 'limit', '20mb']
  const isSlow = tc(...slow)
  if (isSlow) tc('del', 'dev', 'veth-a', 'root')
  const canCount = isSlow && !missing('strace', '-f', '-o', '/dev/null', 'true')
  const why = canCount ? false : 'it takes tc, the tbf queue, and strace'
  t.test('a full queue: it waits in poll, nothing is lost, and strace counts the same', { skip: why }, async (t) => {
    t.ok(tc(...slow))
    const receiver = await startReceiver('', inHost('B'))
    const folder = t.testdir()
    const counts = join(folder, 'counts')
    const trace = ['strace', '-f', '-c', '-o', counts, '-e', 'trace=sendmsg,sendmmsg,poll']
    const line = `--to ${HOST_B.ipv4} --rounds 1 --duration 0.3 --omit 0 --mode sendmsg,sendmmsg`
    const { results } = await benchJson('send', line, { env, wrapper: [...hosts.command('A'), ...trace] })
    for (const { mode, packets, wouldBlock, delivered, interface: counted } of results) {
      t.ok(wouldBlock > 0, mode)
      t.match(delivered, { delivered: packets, lost: 0, duplicated: 0 })
      t.ok((counted?.txPackets ?? 0) >= packets, 'the counter is read when the queue is empty')
    }
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
    const calls = ['sendmsg', 'sendmmsg', 'poll'].map((name) => tracedCalls(counts, name))
    t.equal(sum(calls), sum(results.map(({ systemCalls }) => systemCalls)))
    t.equal(calls[2], sum(results.map(({ wouldBlock }) => wouldBlock)))
    await receiver.end()
    tc('del', 'dev', 'veth-a', 'root')
  })

  t.test('no route at all', async (t) => {
    const { status, stderr } = await bench('send', '--to 192.0.2.7 --no-control', inHost('A'))
    t.equal(status, 1)
    t.equal(stderr, 'send: there is no route to 192.0.2.7 (ENETUNREACH)\n')
  })

  const sinkLine = spawnSync('scripts/netns.sh', ['status'], { env, encoding: 'utf8' }).stdout
  const skip = /^sink up/m.test(sinkLine) ? false : 'this kernel has no ifb device to make a sink of'
  t.test('into the sink, without a receiver: the interface counts what it drops', { skip }, async (t) => {
    const line = `--to ${SINK.ipv4}:9 --no-control --rounds 1 --duration 0.2 --omit 0`
    const { results, summary } = await benchJson<BenchDocument>('send', line, inHost('sink'))
    t.strictSame(results.map(({ mode }) => mode).sort(), ['gso', 'sendmmsg', 'sendmsg'])
    for (const { mode, packets, interface: counted } of results) {
      // An ifb device counts on the receiving side what is sent through it.
      const frames = mode === 'gso' ? packets / 40 : packets
      t.match(counted, { name: SINK.interface, rxPackets: frames, rxDropped: frames }, mode)
    }
    t.match(
      summary.map(({ interfaceDropped }) => interfaceDropped),
      summary.map(({ mode, packets }) => (mode === 'gso' ? packets / 40 : packets)),
    )
  })
}
