import t from 'tap'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, drain } from '../support/sockets.js'

for (const family of ['ipv4', 'ipv6'] as const) {
  t.test(`${family}: empty, short, exact and too long datagrams, repeatedly into the same slots`, (t) => {
    using receiver = boundSocket({ family })
    using sender = BatchConn.open({ family })
    const out = new SendBatch({ slotBytes: 300 })
    const inbox = new RecvBatch({ capacity: 8, slotBytes: 100 })
    for (let round = 0; round < 3; round += 1) {
      out.clear()
      for (const size of [0, 1, 100, 101, 300, 5]) out.append(Buffer.alloc(size, 'x'), receiver.localAddress)
      t.equal(sender.send(out), 6)
      t.equal(receiver.recv(inbox), 6)
      const seen = [...inbox].map(({ bytes, truncated }) => [bytes.byteLength, truncated])
      t.strictSame(seen, [
        [0, false],
        [1, false],
        [100, false],
        [100, true],
        [100, true],
        [5, false],
      ])
      t.ok(
        [...inbox].every(({ source }) => source === inbox.source(0)),
        'one peer is one object',
      )
      t.equal(inbox.source(0)?.port, sender.localAddress.port)
      t.equal(receiver.recv(inbox), 0, 'nothing left')
      t.equal(inbox.length, 0, 'the batch is empty')
    }
    t.end()
  })
}

t.test('a single empty datagram counts as one datagram, with recvmsg and with recvmmsg', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const out = new SendBatch({ capacity: 1 })
  out.append('', receiver.localAddress)
  for (const capacity of [1, 2]) {
    out.rewind()
    t.equal(sender.send(out), 1)
    const inbox = new RecvBatch({ capacity })
    t.equal(receiver.recv(inbox), 1)
    t.equal(inbox.size(0), 0)
    t.equal(inbox.bytes(0).byteLength, 0)
  }
  t.end()
})

t.test('recvmsg for a batch of one returns size, source and truncation as recvmmsg does', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const out = new SendBatch()
  out.append('twelve bytes', receiver.localAddress)
  const inbox = new RecvBatch({ capacity: 1, slotBytes: 6 })
  sender.send(out)
  t.equal(receiver.recv(inbox), 1)
  t.equal(inbox.bytes(0).toString(), 'twelve')
  t.equal(inbox.truncated(0), true)
  t.ok(inbox.source(0)?.equals(sender.localAddress))
  t.end()
})

t.test('a flood into a small buffer: kernelDrops is the difference between sent and received', (t) => {
  using receiver = BatchConn.open({ receiveBufferBytes: 4096, countDrops: true }).bind({
    address: '127.0.0.1',
    port: 0,
  })
  using sender = BatchConn.open()
  const out = new SendBatch({ capacity: 200 })
  for (let index = 0; index < 200; index += 1) out.append(Buffer.alloc(1000), receiver.localAddress)
  t.equal(sender.send(out), 200)
  const first = drain(receiver).length
  t.ok(first < 200, 'some did not fit')
  t.equal(first + (receiver.kernelDrops ?? 0), 200, 'known at once, before another datagram arrives')
  out.clear()
  out.append('one more', receiver.localAddress)
  sender.send(out)
  t.equal(drain(receiver).length, 1)
  t.equal(first + (receiver.kernelDrops ?? 0), 200, 'received + dropped = sent')
  t.end()
})

t.test('kernelDrops is undefined without countDrops', (t) => {
  using conn = boundSocket()
  t.equal(conn.kernelDrops, undefined)
  t.end()
})

t.test('one batch can be used with several sockets, and one socket with several batches', (t) => {
  using one = boundSocket()
  using two = boundSocket({ family: 'ipv6' })
  using sender = BatchConn.open()
  using sender6 = BatchConn.open({ family: 'ipv6' })
  const out = new SendBatch()
  out.append('to one', one.localAddress)
  sender.send(out)
  out.clear()
  out.append('to two', two.localAddress)
  sender6.send(out)
  const inbox = new RecvBatch()
  t.equal(one.recv(inbox), 1)
  t.match(inbox.source(0), { family: 'ipv4' })
  t.equal(two.recv(inbox), 1)
  t.match(inbox.source(0), { family: 'ipv6' })
  t.equal(inbox.bytes(0).toString(), 'to two')
  t.end()
})

t.test('a dual-stack socket reports IPv4 peers as mapped addresses', (t) => {
  using receiver = BatchConn.open({ family: 'ipv6', ipv6Only: false }).bind({ address: '::', port: 0 })
  using sender = BatchConn.open()
  const out = new SendBatch()
  const { port } = receiver.localAddress
  out.append('hello', endpoint({ address: '127.0.0.1', port }))
  sender.send(out)
  const inbox = new RecvBatch()
  t.equal(receiver.recv(inbox), 1)
  t.equal(inbox.source(0)?.address, '::ffff:127.0.0.1')
  t.end()
})
