import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { BatchConn, RecvBatch, SendBatch, type SocketStats } from '../../src/index.js'
import { Counters } from '../../src/socket/counters.js'
import { kernelThatAccepts } from '../dgram/support.js'
import { childJson } from '../support/child.js'
import { boundSocket, deadEndpoint } from '../support/sockets.js'

// test/scripted-kernel compares all counters with what a scripted kernel sees, in thousands of cases. These tests compare
// them with the real kernel: with the other end, and with strace.

t.test('stats is a snapshot: a plain object of numbers, all 0 at first', (t) => {
  using conn = boundSocket()
  const before = conn.stats
  t.equal(Object.getPrototypeOf(before), Object.prototype)
  t.strictSame([...new Set(Object.values(before))], [0])
  conn.recv(new RecvBatch())
  t.equal(before.receiveCalls, 0, 'the snapshot stays as it was')
  t.equal(conn.stats.receiveCalls, 1)
  t.end()
})

t.test('what one end has sent is what the other end has received', (t) => {
  using receiver = boundSocket()
  using sender = boundSocket()
  const to = receiver.localAddress
  const out = new SendBatch({ capacity: 100, slotBytes: 5000, coalesce: true })
  for (let index = 0; index < 20; index += 1) out.append(Buffer.alloc(100), to)
  out.append('', to)
  out.append(Buffer.alloc(2500), to, { segmentBytes: 1000 })
  t.equal(sender.send(out), 22)
  const inbox = new RecvBatch({ capacity: 64 })
  t.equal(receiver.recv(inbox), 24)

  const bytes = 20 * 100 + 2500
  const batches = { datagramsPerSend: 24, gsoSends: 2, gsoSegments: 23 }
  t.match(sender.stats, { sendCalls: 1, sentMessages: 22, sentDatagrams: 24, sentBytes: bytes, ...batches })
  const arrived = { receivedMessages: 24, receivedDatagrams: 24, receivedBytes: bytes, datagramsPerReceive: 24 }
  t.match(receiver.stats, { receiveCalls: 1, receiveWouldBlock: 0, groBuffers: 0, ...arrived })
  t.end()
})

t.test('the datagrams of GRO buffers are counted one by one', (t) => {
  using receiver = boundSocket({ gro: true })
  using sender = boundSocket()
  const out = new SendBatch()
  out.append('aabbc', receiver.localAddress, { segmentBytes: 2 })
  out.append('single', receiver.localAddress)
  sender.send(out)
  const inbox = new RecvBatch({ capacity: 4, gro: true })
  t.equal(receiver.recv(inbox), 2)
  const buffers = { groBuffers: 1, groSegments: 3, datagramsPerReceive: 4 }
  t.match(receiver.stats, { receivedMessages: 2, receivedDatagrams: 4, receivedBytes: 11, ...buffers })
  t.end()
})

t.test('where GSO is off, the segments are datagrams but no GSO send', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open({ gso: false })
  const out = new SendBatch()
  out.append('aabbc', receiver.localAddress, { segmentBytes: 2 })
  t.equal(sender.send(out), 1)
  t.match(sender.stats, { sendCalls: 1, sentMessages: 1, sentDatagrams: 3, sentBytes: 5, gsoSends: 0, gsoSegments: 0 })
  t.end()
})

t.test('truncated datagrams are counted, and only their bytes in the slot', (t) => {
  using receiver = boundSocket()
  using sender = boundSocket()
  const out = new SendBatch()
  for (const text of ['fits', 'much too long', 'longer']) out.append(text, receiver.localAddress)
  sender.send(out)
  receiver.recv(new RecvBatch({ slotBytes: 4 }))
  t.match(receiver.stats, { receivedDatagrams: 3, truncatedDatagrams: 2, receivedBytes: 12 })
  receiver.recv(new RecvBatch({ slotBytes: 4 }))
  t.match(receiver.stats, { truncatedDatagrams: 2, receiveCalls: 2, receiveWouldBlock: 1 }, 'an empty receive')
  t.end()
})

t.test('a would-block is a call, and no error', (t) => {
  const budget = kernelThatAccepts(t, 3)
  using receiver = boundSocket()
  using sender = boundSocket()
  const out = new SendBatch()
  for (let index = 0; index < 5; index += 1) out.append('x', receiver.localAddress)
  t.strictSame([sender.send(out), sender.send(out)], [3, 0])
  t.match(sender.stats, { sendCalls: 2, sendWouldBlock: 1, sendErrors: 0, sentMessages: 3, datagramsPerSend: 3 })
  budget.left = 2
  t.equal(sender.send(out), 2)
  t.match(sender.stats, { sendCalls: 3, sendWouldBlock: 1, sendErrors: 0, sendRetries: 0, sentMessages: 5 })
  t.end()
})

t.test('sendAll: messages are sent or failed, also those that never reach the kernel', async (t) => {
  using receiver = boundSocket()
  using sender = boundSocket()
  const out = new SendBatch({ slotBytes: 70_000 })
  out.append('sent', receiver.localAddress)
  out.append(Buffer.alloc(66_000), receiver.localAddress)
  out.append('to no destination')
  out.append('sent too', receiver.localAddress)
  const { sent, failed } = await sender.sendAll(out)
  t.match(sender.stats, { sentMessages: sent, failedMessages: failed.length, sentBytes: 12 })
  t.strictSame([sent, failed.length], [2, 2])
  const { sendCalls, sendErrors, sendRetries } = sender.stats
  t.strictSame([sendCalls, sendErrors, sendRetries], [4, 2, 1], 'the kernel got the long message twice')
})

t.test('an ICMP error is one error and one retry', (t) => {
  using sender = BatchConn.open().connect(deadEndpoint())
  const out = new SendBatch()
  out.append('x')
  for (let round = 0; round < 3; round += 1) {
    out.rewind()
    t.equal(sender.send(out), 1)
  }
  t.match(sender.stats, { sendCalls: 5, sendErrors: 2, sendRetries: 2, sentMessages: 3, failedMessages: 0 })
  t.throws(() => sender.recv(new RecvBatch()), { code: 'ECONNREFUSED' })
  t.match(sender.stats, { receiveCalls: 1, receiveErrors: 1, receiveWouldBlock: 0 })
  t.end()
})

t.test('kernelDrops is read without countDrops, and all of it stays after close', (t) => {
  const receiver = boundSocket({ receiveBufferBytes: 4096 })
  using sender = boundSocket()
  const out = new SendBatch()
  for (let index = 0; index < 64; index += 1) out.append(Buffer.alloc(1200), receiver.localAddress)
  sender.send(out)
  const received = receiver.recv(new RecvBatch())
  const { stats } = receiver
  t.equal(received + stats.kernelDrops, 64)
  t.ok(stats.kernelDrops > 0)
  t.equal(receiver.kernelDrops, undefined)
  receiver.close()
  t.strictSame(receiver.stats, stats)
  t.end()
})

t.test('counters above 2^32 are exact', (t) => {
  const counters = new Counters()
  counters.dropped(2 ** 40)
  counters.dropped(1)
  t.equal(counters.stats().kernelDrops, 2 ** 40 + 1)
  t.end()
})

const hasStrace = spawnSync('strace', ['-V']).status === 0

t.test('the system calls are those that strace sees', { skip: hasStrace ? false : 'needs strace' }, async (t) => {
  // A file: node makes its end of a shared stderr pipe non-blocking, and strace then loses lines.
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-strace-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const trace = join(folder, 'trace')
  const wrapper = ['strace', '-f', '-o', trace, '-e', 'trace=sendmsg,sendmmsg,recvmsg,recvmmsg']
  const sockets = await childJson<{ fd: number; stats: SocketStats }[]>('stats', { wrapper, timeoutMs: 60_000 })
  t.equal(sockets.length, 3)
  const lines = readFileSync(trace, 'utf8').split('\n')
  for (const { fd, stats } of sockets) {
    const calls = (name: string) => lines.filter((line) => new RegExp(`\\b${name}m?msg\\(${fd},`).test(line))
    const [sends, receives] = [calls('send'), calls('recv')]
    const count = (some: string[], pattern: RegExp) => some.filter((line) => pattern.test(line)).length
    t.ok(sends.length + receives.length > 0, `descriptor ${fd} made calls`)
    t.match(stats, {
      sendCalls: sends.length,
      sendWouldBlock: count(sends, / = -1 E(AGAIN|NOBUFS)/),
      sendErrors: count(sends, / = -1 (?!EAGAIN|ENOBUFS)/),
      receiveCalls: receives.length,
      receiveWouldBlock: count(receives, / = -1 EAGAIN/),
      receiveErrors: count(receives, / = -1 (?!EAGAIN)/),
    })
  }
})
