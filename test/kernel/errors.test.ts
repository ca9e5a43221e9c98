import t from 'tap'
import { BatchConn, type Family, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, deadEndpoint, drain } from '../support/sockets.js'

for (const family of ['ipv4', 'ipv6'] as Family[]) {
  for (const connected of [false, true]) {
    t.test(
      `${family}, ${connected ? 'connected' : 'not connected'}: only takeErrors() reports a closed port`,
      async (t) => {
        using sender = BatchConn.open({ family, recvErrors: true })
        const dead = deadEndpoint({ family })
        if (connected) sender.connect(dead)
        const out = new SendBatch()
        for (const text of ['one', 'two', 'three']) out.append(text, connected ? undefined : dead)
        t.strictSame(await sender.sendAll(out), { sent: 3, failed: [] })
        t.equal(sender.recv(new RecvBatch()), 0, 'recv does not throw')
        const errors = sender.takeErrors()
        t.match(errors, Array(3).fill({ code: 'ECONNREFUSED', errno: -111, mtu: undefined }))
        t.strictSame(
          errors.map(({ payload }) => payload.toString()),
          ['one', 'two', 'three'],
        )
        for (const { origin, icmpType, icmpCode, offender, destination } of errors) {
          t.strictSame([origin, icmpType, icmpCode], family === 'ipv4' ? ['icmp', 3, 3] : ['icmp6', 1, 4])
          t.equal(offender?.address, dead.address)
          t.ok(destination?.equals(dead))
        }
        t.strictSame(sender.takeErrors(), [])
      },
    )
  }
}

t.test('one closed port among open ones: every other message arrives, and batches stay whole', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open({ recvErrors: true })
  const dead = deadEndpoint()
  const out = new SendBatch({ capacity: 300 })
  for (let index = 0; index < 300; index += 1) out.append(String(index), index % 3 === 0 ? dead : receiver.localAddress)
  t.strictSame(await sender.sendAll(out), { sent: 300, failed: [] })
  t.equal(drain(receiver).length, 200)
  const errors = sender.takeErrors()
  t.ok(
    errors.length >= 1 && errors.length <= 100,
    `${errors.length} errors: the kernel limits the rate of its ICMP messages`,
  )
})

t.test('a datagram above the MTU with DF set fails at once with EMSGSIZE', (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open({ recvErrors: true, mtuDiscover: 'do' })
  sender.connect(receiver.localAddress)
  const out = new SendBatch()
  out.appendReference(Buffer.alloc(65_508))
  t.throws(() => sender.send(out), { code: 'EMSGSIZE', index: 0 })
  t.end()
})

t.test('a queued error wakes a reader', async (t) => {
  using sender = BatchConn.open({ recvErrors: true })
  const waiting = sender.readable()
  const out = new SendBatch()
  out.append('x', deadEndpoint())
  sender.send(out)
  await waiting
  t.equal(sender.takeErrors().length, 1)
})

t.test('takeErrors() requires recvErrors', (t) => {
  using conn = BatchConn.open()
  t.throws(() => conn.takeErrors(), { name: 'TypeError', code: 'ERR_INVALID_STATE', message: /recvErrors/ })
  t.end()
})
