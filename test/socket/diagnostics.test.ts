import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate as nextIteration } from 'node:timers/promises'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  BatchConn,
  type DropEvent,
  type GsoOffEvent,
  type ReceiveEvent,
  RecvBatch,
  SendBatch,
  type SendEvent,
} from '../../src/index.js'
import { EIO } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { Counters } from '../../src/socket/counters.js'
import { bound, kernelThatAccepts, until } from '../dgram/support.js'
import { isSupportedMachine } from '../scripted-kernel/abi.js'
import { receiveCase } from '../scripted-kernel/receive-case.js'
import { newReceiveTally } from '../scripted-kernel/receive-model.js'
import { runReceiveCase } from '../scripted-kernel/receive-runner.js'
import { sendCaseWith } from '../scripted-kernel/send-case.js'
import { runSendCase } from '../scripted-kernel/send-runner.js'
import { newSendTally } from '../scripted-kernel/send-tally.js'
import { childJson, runChild } from '../support/child.js'
import { boundSocket } from '../support/sockets.js'

interface Events {
  'batchconn.send': SendEvent
  'batchconn.receive': ReceiveEvent
  'batchconn.gso.off': GsoOffEvent
  'batchconn.drop': DropEvent
}

/** Subscribes to a channel until the end of the test. */
function listen<Name extends keyof Events>(t: Test, name: Name, onEvent: (event: Events[Name]) => void): void {
  const subscriber = (event: unknown) => onEvent(event as Events[Name])
  subscribe(name, subscriber)
  t.teardown(() => unsubscribe(name, subscriber))
}

/** Collects the events of a channel. */
function collect<Name extends keyof Events>(t: Test, name: Name): Events[Name][] {
  const events: Events[Name][] = []
  listen(t, name, (event) => events.push(event))
  return events
}

t.test('send and recv publish what they add to stats', (t) => {
  const sends = collect(t, 'batchconn.send')
  const receives = collect(t, 'batchconn.receive')
  using conn = boundSocket()
  const out = new SendBatch({ slotBytes: 70_000 })
  out.append('one', conn.localAddress)
  out.append('two', conn.localAddress)
  out.append(Buffer.alloc(66_000), conn.localAddress)
  t.equal(conn.send(out), 2)
  t.throws(() => conn.send(out), { code: 'EMSGSIZE' })
  out.clear()
  t.equal(conn.send(out), 0)
  t.equal(sends.length, 2, 'a send without a system call is no event')
  t.match(sends[0], { sendCalls: 1, sentMessages: 2, sentBytes: 6, error: undefined })
  t.match(sends[1], { sendCalls: 2, sentMessages: 0, sendErrors: 2, failedMessages: 1, error: { code: 'EMSGSIZE' } })
  t.equal(sends[0].socket, conn)

  const inbox = new RecvBatch()
  t.strictSame([conn.recv(inbox), conn.recv(inbox)], [2, 0])
  t.match(receives, [
    { receiveCalls: 1, receivedDatagrams: 2, receivedBytes: 6, error: undefined },
    { receiveCalls: 1, receivedDatagrams: 0, receiveWouldBlock: 1 },
  ])
  t.equal(receives[0].socket, conn)
  t.end()
})

t.test('without subscribers nothing is computed', (t) => {
  const { sendStats, receiveStats } = Counters.prototype
  let reads = 0
  Object.assign(Counters.prototype, { sendStats: () => (reads += 1), receiveStats: () => (reads += 1) })
  t.teardown(() => Object.assign(Counters.prototype, { sendStats, receiveStats }))
  using conn = boundSocket()
  const out = new SendBatch()
  out.append('x', conn.localAddress)
  t.equal(conn.send(out), 1)
  t.equal(conn.recv(new RecvBatch()), 1)
  t.equal(reads, 0)
  t.end()
})

t.test('a subscriber may close the socket', async (t) => {
  listen(t, 'batchconn.send', ({ socket }) => {
    if (socket instanceof BatchConn) socket.close()
  })
  const conn = boundSocket()
  const out = new SendBatch({ capacity: 2000 })
  for (let index = 0; index < 2000; index += 1) out.append('x', conn.localAddress)
  await t.rejects(conn.sendAll(out), { code: 'ERR_SOCKET_CLOSED' })
  t.equal(out.sent, 1024, 'the rest can be sent on another socket')
})

t.test('a device that rejects a GSO send: the event, once, after the send', async (t) => {
  const { sendmsg } = libc()
  t.teardown(() => Object.assign(libc(), { sendmsg }))
  // Twice, because an error may belong to an earlier datagram.
  let rejections = 2
  libc().sendmsg = (fd, header, flags) => {
    if (rejections === 0) return sendmsg(fd, header, flags)
    rejections -= 1
    libc().errno[0] = EIO
    return -1
  }
  const events = collect(t, 'batchconn.gso.off')
  using conn = boundSocket()
  const out = new SendBatch()
  out.append('aabbc', conn.localAddress, { segmentBytes: 2 })
  t.equal(conn.send(out), 1)
  t.equal(events.length, 0)
  await nextIteration()
  t.strictSame(events, [{ socket: conn, reason: conn.gso.reason }])
  t.match(conn.stats, { sendCalls: 3, sendErrors: 2, sendRetries: 2, gsoSends: 0, sentDatagrams: 3 })
  out.rewind()
  conn.send(out)
  await nextIteration()
  t.equal(events.length, 1)
})

t.test('drops of the kernel are an event when they are noticed: with the next datagrams, or by stats', (t) => {
  const events = collect(t, 'batchconn.drop')
  using sender = boundSocket()
  for (const countDrops of [true, false]) {
    using receiver = boundSocket({ receiveBufferBytes: 4096, countDrops })
    const out = new SendBatch()
    for (let index = 0; index < 64; index += 1) out.append(Buffer.alloc(1200), receiver.localAddress)
    sender.send(out)
    const inbox = new RecvBatch()
    const received = receiver.recv(inbox)
    out.rewind()
    sender.send(out)
    receiver.recv(inbox)
    if (!countDrops) t.equal(events.length, 0, 'without countDrops not while receiving')
    const { kernelDrops } = receiver.stats
    t.ok(received < 64 && kernelDrops > 0)
    const own = events.splice(0)
    t.ok(own.every(({ socket, where }) => socket === receiver && where === 'receive-buffer'))
    t.equal(sumOf(own), kernelDrops)
  }
  t.end()
})

t.test('batchconn/dgram: events have the socket, and come when a subscriber may use it', async (t) => {
  const sends = collect(t, 'batchconn.send')
  const receives = collect(t, 'batchconn.receive')
  const socket = await bound(t)
  const { port } = socket.address()
  listen(t, 'batchconn.receive', ({ receivedDatagrams }) => {
    if (receivedDatagrams > 0) socket.close()
  })
  const queued: number[] = []
  listen(t, 'batchconn.send', () => queued.push(socket.getSendQueueCount()))
  for (let index = 0; index < 10; index += 1) socket.send('x', port, '127.0.0.1')
  await until(() => receives.some(({ receivedDatagrams }) => receivedDatagrams > 0))
  t.match(sends, [{ sendCalls: 1, sentDatagrams: 10 }])
  t.strictSame(queued, [0], 'after the flush')
  for (const { socket: found } of [...sends, ...receives]) t.equal(found, socket)
})

t.test('batchconn/dgram: messages that a full queue drops are one event per tick', async (t) => {
  kernelThatAccepts(t, 0)
  const events = collect(t, 'batchconn.drop')
  const socket = await bound(t, { maxQueueMessages: 5 })
  const { port } = socket.address()
  const send = (count: number) => {
    for (let index = 0; index < count; index += 1) socket.send('x', port, '127.0.0.1', () => {})
  }
  send(8)
  await until(() => events.length === 1)
  send(2)
  await until(() => events.length === 2)
  t.strictSame(
    events,
    [3, 2].map((datagrams) => ({ socket, where: 'send-queue', datagrams })),
  )
  t.equal(socket.stats.queueDrops, sumOf(events))
})

const skip = isSupportedMachine ? false : 'the scripted kernel reads structures of 64-bit machines'

t.test('whatever the kernel answers, the events of a socket add up to its stats', { skip }, (t) => {
  const sums = new WeakMap<BatchConn, Record<string, number>>()
  let events = 0
  const add = ({ socket, error: _, ...changes }: SendEvent | ReceiveEvent) => {
    if (!(socket instanceof BatchConn)) throw new Error('the event has no socket')
    events += 1
    const sum = sums.get(socket) ?? {}
    sums.set(socket, sum)
    for (const [name, change] of Object.entries(changes)) sum[name] = (sum[name] ?? 0) + change
    const { stats } = socket
    for (const [name, value] of Object.entries(sum)) {
      if (Reflect.get(stats, name) !== value) violations.add(`${name}: ${Reflect.get(stats, name)}, events ${value}`)
    }
  }
  const violations = new Set<string>()
  listen(t, 'batchconn.send', add)
  listen(t, 'batchconn.receive', add)
  fc.assert(
    fc.property(sendCaseWith(12), (testCase) => runSendCase(testCase, newSendTally())),
    { numRuns: 400 },
  )
  fc.assert(
    fc.property(receiveCase, (testCase) => runReceiveCase(testCase, newReceiveTally())),
    { numRuns: 400 },
  )
  t.strictSame([...violations], [])
  t.ok(events > 1000, `${events} events`)
  t.end()
})

t.test('NODE_DEBUG=batchconn reports drops, GSO, and the system without sendmmsg', async (t) => {
  const { code, stderr } = await runChild('debug-log', { wrapper: ['env', 'NODE_DEBUG=batchconn'] })
  t.equal(code, 0)
  t.match(stderr, /BATCHCONN \d+: the kernel dropped \d+ datagrams: the receive buffer was full/)
  t.match(stderr, /BATCHCONN \d+: GSO is off: the device rejected a GSO send with EIO/)
  t.match(stderr, /BATCHCONN \d+: the system rejects sendmmsg \(ENOSYS\): one system call per message/)
  t.equal((await runChild('debug-log')).stderr, '', 'nothing without the variable')
})

const dropPrivilege = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-all'] : []

t.test('a reduced receive buffer is one warning, with the sysctl', async (t) => {
  const rows = { conn: dropPrivilege, dgram: [], granted: [] }
  for (const [what, wrapper] of Object.entries(rows)) {
    const warnings = await childJson<string[][]>('receive-buffer', { args: [what], wrapper })
    if (what === 'granted') {
      t.strictSame(warnings, [])
      continue
    }
    t.equal(warnings.length, 1, what)
    const [code, message] = warnings[0]
    t.equal(code, 'BATCHCONN_RECEIVE_BUFFER')
    t.match(message, /^a receive buffer of 1073741823 bytes was requested; the kernel granted \d+\./)
    t.match(message, /sysctl -w net\.core\.rmem_max=1073741823$/)
  }
})

function sumOf(events: readonly DropEvent[]): number {
  return events.reduce((sum, { datagrams }) => sum + datagrams, 0)
}
