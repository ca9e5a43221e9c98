import t from 'tap'
import { BatchConn, type Family, RecvBatch, SendBatch } from '../../src/index.js'

// The ECN bits of one message replace the whole TOS byte in the kernel; the DSCP of the socket must survive that.

const DSCP = 0x2e << 2

for (const [family, address] of [
  ['ipv4', '127.0.0.1'],
  ['ipv6', '::1'],
  ['ipv6', '::ffff:127.0.0.1'],
] as [Family, string][]) {
  for (const connected of [false, true]) {
    t.test(`${family} to ${address}, ${connected ? 'connected' : 'unconnected'}`, async (t) => {
      using receiver = BatchConn.open({ family, recvTos: true }).bind({ address, port: 0 })
      using conn = BatchConn.open({ family, tos: DSCP })
      using plain = BatchConn.open({ family })
      const to = connected ? undefined : receiver.localAddress
      if (connected) for (const sender of [conn, plain]) sender.connect(receiver.localAddress)
      const out = new SendBatch()
      const inbox = new RecvBatch()
      const send = (sender: BatchConn): (number | undefined)[] => {
        sender.send(out)
        out.rewind()
        receiver.recv(inbox)
        return Array.from(inbox, ({ tos }) => tos)
      }
      out.append('both', to, { ecn: 1 })
      out.append('none', to)
      out.append('own', to, { tos: 0x20, ecn: 2 })
      out.append('after', to, { ecn: 3, ttl: 9 })
      // IPv4 of an IPv6 socket has the DSCP of IP_TOS, which `tos` of an IPv6 socket does not set.
      const dscp = address.startsWith('::ffff') ? 0 : DSCP
      t.strictSame(send(conn), [dscp | 1, dscp, 0x22, dscp | 3])
      t.strictSame(send(plain), [1, 0, 0x22, 3], 'the same batch on another socket')
      conn.options.tos = 0x40
      t.strictSame(send(conn), dscp === 0 ? [1, 0, 0x22, 3] : [0x41, 0x40, 0x22, 0x43], 'after a change')
      out.clear()
      out.append('none', to)
      t.strictSame(send(plain), [0], 'after clear')
    })
  }
}
