import t from 'tap'
import { BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

// On a connected socket, the kernel stores the ICMP error of message k, returns it for message k + 1, and does not send
// that one (ip(7)).

t.test('connected to a closed port: every message is sent exactly once, none is reported as failed', async (t) => {
  using sender = BatchConn.open()
  const dead = deadEndpoint()
  sender.connect(dead)
  const out = new SendBatch({ capacity: 2500, slotBytes: 32 })
  for (let index = 0; index < 2500; index += 1) out.append(`message ${index}`)
  const report = await sender.sendAll(out)
  t.strictSame(report, { sent: 2500, failed: [] })
})

t.test('messages sent after the peer has returned arrive', async (t) => {
  using sender = BatchConn.open()
  const peer = deadEndpoint()
  sender.connect(peer)
  const out = new SendBatch()
  out.append('to the closed port')
  t.equal(sender.send(out), 1)

  using receiver = BatchConn.open().bind(peer)
  out.clear()
  out.append('first')
  out.append('second')
  t.strictSame(await sender.sendAll(out), { sent: 2, failed: [] })
  t.strictSame(
    drain(receiver).map(({ text }) => text),
    ['first', 'second'],
  )
})

t.test('recv throws ECONNREFUSED once, and the socket works afterwards', (t) => {
  using sender = BatchConn.open()
  sender.connect(deadEndpoint())
  const out = new SendBatch()
  out.append('x')
  sender.send(out)
  const inbox = new RecvBatch()
  t.throws(() => sender.recv(inbox), { code: 'ECONNREFUSED', errno: -111, syscall: 'recvmmsg' })
  t.equal(inbox.length, 0)
  t.equal(sender.recv(inbox), 0)
  t.end()
})

t.test('one closed port does not affect the other destinations of an unconnected socket', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const dead = deadEndpoint()
  const out = new SendBatch({ capacity: 200 })
  for (let index = 0; index < 200; index += 1) out.append(String(index), index % 2 ? dead : receiver.localAddress)
  t.equal(sender.send(out), 200, 'one call sent all of them')
  t.equal(drain(receiver).length, 100)
})
