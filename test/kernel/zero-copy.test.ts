import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import { koffi } from '../../src/libc/koffi.js'
import { type Libc, libc } from '../../src/libc/libc.js'
import { groReceiver, openNet, openSender } from '../faults/support/hosts.js'
import { pinNeighbours } from '../faults/support/net.js'
import { eventually } from '../faults/support/numbered.js'
import { childJson } from '../support/child.js'
import { compiledProgram } from '../support/compiled.js'
import { HOST_A, HOST_B, SINK } from '../support/two-hosts.js'

// tbf delays completions: its queue holds the sender's pages. A veth device copies them only when they leave the queue, so
// what arrives is what the memory contained then.

const { net, skip } = openNet(t, 'zc')

const shutdown: (fd: number, how: number) => number = koffi().load(null).func('int shutdown(int, int)')
const SHUT_RDWR = 2

/** Host A's device passes 100 kbit/s until `open` is called: 42,000 bytes take 3.4 s. */
function slowDevice(t: Test): { open(): void } {
  pinNeighbours(net, ['ipv4'])
  const device = HOST_A.interface
  net.run('A', `tc qdisc replace dev ${device} root tbf rate 100kbit burst 2kb limit 100mb`)
  t.teardown(() => net.run('A', `tc qdisc del dev ${device} root`))
  return { open: () => net.run('A', `tc qdisc change dev ${device} root tbf rate 1gbit burst 1mb limit 100mb`) }
}

function scene(t: Test, messages = 1) {
  const device = slowDevice(t)
  const receiver = groReceiver(t, net, 'ipv4')
  const conn = openSender(t, net, { zeroCopy: true })
  const batch = new SendBatch({ capacity: messages, slotBytes: 64_000 })
  const fill = (text: string) => {
    for (let index = 0; index < messages; index += 1) {
      batch.append(Buffer.alloc(42_000, text), receiver.conn.localAddress, { segmentBytes: 1400 })
    }
  }
  fill('a')
  return { device, receiver, conn, batch, fill }
}

/** `numbers` are the first four bytes of each datagram. */
const numbersOf = (text: string, count: number) => new Array<number>(count).fill(Buffer.alloc(4, text).readUInt32BE())

for (const then of ['wait', 'close'] as const) {
  t.test(`shutdown(2) elsewhere while memory is in flight: no busy loop, then ${then}`, { skip }, async (t) => {
    const { conn, batch, device } = scene(t)
    t.equal(conn.send(batch), 1)
    const released = conn.released(batch)
    shutdown(conn.fd, SHUT_RDWR)
    if (then === 'close') conn.close()
    const shared = libc() as Pick<{ -readonly [name in keyof Libc]: Libc[name] }, 'recvmmsg' | 'epoll_wait'>
    const { recvmmsg, epoll_wait } = shared
    let calls = 0
    shared.recvmmsg = (...given) => {
      calls += 1
      return recvmmsg(...given)
    }
    shared.epoll_wait = (...given) => {
      calls += 1
      return epoll_wait(...given)
    }
    await sleep(100)
    Object.assign(shared, { recvmmsg, epoll_wait })
    t.ok(calls < 200, `${calls} system calls`)
    t.equal(batch.inFlight, 1)
    device.open()
    await released
    t.equal(batch.inFlight, 0)
  })
}

t.test('released() waits for the device queue, and the memory can be reused then', { skip }, async (t) => {
  const { receiver, conn, batch, fill, device } = scene(t)
  t.equal(conn.send(batch), 1)
  await sleep(20)
  t.throws(() => batch.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
  t.throws(() => conn.release(), { code: 'ERR_BATCH_IN_FLIGHT' })
  t.equal(conn.waitReleased(batch, { timeoutMs: 1 }), false)
  const aborted = conn.released(batch, { signal: AbortSignal.timeout(1) })
  await t.rejects(aborted, { name: 'TimeoutError' })
  t.equal(batch.inFlight, 1)
  device.open()
  await conn.released(batch)
  batch.clear()
  fill('b')
  await conn.sendAll(batch)
  const { numbers } = await receiver.takeAll(60)
  t.strictSame(numbers, [...numbersOf('a', 30), ...numbersOf('b', 30)])
})

t.test('close() keeps the descriptor and the memory until the queue is empty', { skip }, async (t) => {
  const { receiver, conn, batch, device } = scene(t)
  conn.send(batch)
  const link = `/proc/self/fd/${conn.fd}`
  const before = readlinkSync(link)
  conn.close()
  t.equal(conn.closed, true)
  t.equal(readlinkSync(link), before, 'the descriptor is open')
  t.throws(() => batch.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
  device.open()
  await conn.released(batch)
  await eventually(() => !isSame(link, before))
  t.notOk(isSame(link, before), 'the descriptor is closed')
  batch.clear()
  t.strictSame((await receiver.takeAll(30)).numbers, numbersOf('a', 30))
})

t.test('a batch and a socket that the program drops keep their memory', { skip }, async (t) => {
  const device = slowDevice(t)
  const receiver = groReceiver(t, net, 'ipv4')
  ;(() => {
    const conn = net.within('A', () => BatchConn.open({ zeroCopy: true }))
    const batch = new SendBatch({ capacity: 1 })
    const memory = new Uint8Array(42_000).fill(120)
    batch.appendReference(memory, receiver.conn.localAddress, { segmentBytes: 1400 })
    conn.send(batch)
    conn.close()
  })()
  // New memory in the place of freed memory would be sent instead.
  for (let round = 0; round < 200; round += 1) {
    Buffer.from(new ArrayBuffer(42_000)).fill('z')
    if (round % 20 === 0) await sleep(1)
  }
  device.open()
  t.strictSame((await receiver.takeAll(30)).numbers, numbersOf('x', 30))
})

for (const way of ['end', 'close', 'exit']) {
  t.test(
    `a process that ends (${way}) with data in the queue does not wait, and the data arrives`,
    { skip },
    async (t) => {
      const device = slowDevice(t)
      const receiver = groReceiver(t, net, 'ipv4')
      const args = [HOST_B.ipv4, String(receiver.conn.localAddress.port), way]
      const wrapper = ['ip', 'netns', 'exec', net.name('A')]
      t.strictSame(await childJson('zero-copy-exit', { wrapper, args, timeoutMs: 9_000 }), { inFlight: 1 })
      device.open()
      t.strictSame((await receiver.takeAll(30)).numbers, numbersOf('e', 30))
    },
  )
}

t.test('a worker thread, which can be terminated at any time, copies', { skip }, async (t) => {
  const receiver = groReceiver(t, net, 'ipv4')
  const { port } = receiver.conn.localAddress
  const worker = net.within(
    'A',
    () =>
      new Worker(compiledProgram('zero-copy-exit'), {
        argv: [HOST_B.ipv4, String(port), 'end'],
        stdout: true,
      }),
  )
  let output = ''
  worker.stdout.on('data', (text) => {
    output += text
  })
  await new Promise((resolve) => worker.once('exit', resolve))
  t.equal(output, '{"inFlight":0}')
})

t.test('a device that needs no copy: nothing is copied, in either family', { skip }, async (t) => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const conn = net.within('sink', () => BatchConn.open({ family, zeroCopy: true }))
    t.teardown(() => conn.close())
    const batch = new SendBatch({ capacity: 20, slotBytes: 64_000 })
    const to = endpoint({ address: SINK[family], port: 9 })
    for (let index = 0; index < 20; index += 1) batch.append(Buffer.alloc(42_000), to, { segmentBytes: 1200 })
    t.match(await conn.sendAll(batch), { sent: 20 })
    t.match(conn.zeroCopy, { available: true, completed: 20, copied: 0, inFlight: 0 })
  }
})

t.test('more sends than net.core.optmem_max allows: the rest is copied, and all arrive', { skip }, async (t) => {
  const { receiver, conn, batch, device } = scene(t, 4)
  conn.options.sendBufferBytes = 8 << 20
  // About 20 sends.
  net.set('A', 'net.core.optmem_max', 20_480)
  for (let round = 0; round < 20; round += 1) {
    batch.rewind()
    while (batch.remaining > 0) t.ok(conn.send(batch) > 0 || conn.waitWritable())
  }
  t.ok(batch.inFlight > 0)
  t.ok(batch.inFlight < 80, `${batch.inFlight} of 80 sends in flight`)
  device.open()
  await conn.released(batch)
  t.equal((await receiver.takeAll(80 * 30)).numbers.length, 80 * 30)
})

function isSame(link: string, before: string): boolean {
  try {
    return readlinkSync(link) === before
  } catch {
    return false
  }
}
