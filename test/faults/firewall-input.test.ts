import t from 'tap'
import { BatchConn, RecvBatch } from '../../src/index.js'
import { until } from '../dgram/support.js'
import { firewall, NO_NFT } from './support/firewall.js'
import { groReceiver, openNet, openSender } from './support/hosts.js'
import { pinNeighbours } from './support/net.js'
import { numberedBatch } from './support/numbered.js'
import { Stream } from './support/stream.js'

// A firewall of the receiver's host that drops or rejects datagrams. The results are compared with its own counters.

const { net, skip: noHosts } = openNet(t, 'fi')
const skip = noHosts || NO_NFT

for (const family of ['ipv4', 'ipv6'] as const) {
  t.test(
    `${family}: a random drop at the receiver: received + dropped = sent`,
    { skip: skip || net.lacks(family) },
    async (t) => {
      pinNeighbours(net)
      const { conn, take } = groReceiver(t, net, family)
      const { port } = conn.localAddress
      const rules = firewall(net, 'B', 'input', [`udp dport ${port} numgen random mod 3 0 counter drop`])
      t.teardown(() => rules.remove())
      const sender = openSender(t, net, { family, recvErrors: true })
      const stream = new Stream(sender, { to: conn.localAddress })
      for (let round = 0; round < 30; round += 1) await stream.send()
      await until(() => take().numbers.length + rules.packets()[0] >= stream.length)
      const { numbers } = take()
      t.equal(stream.failed.size, 0)
      t.equal(numbers.length + rules.packets()[0], stream.accepted.length)
      t.ok(
        numbers.every((number, index) => index === 0 || number > numbers[index - 1]),
        'in order, none twice',
      )
      t.strictSame(sender.takeErrors(), [], 'a firewall that drops sends no ICMP error')
    },
  )

  t.test(
    `${family}: takeErrors() returns each message that the receiver's firewall rejects, once`,
    { skip: skip || net.lacks(family) },
    async (t) => {
      pinNeighbours(net)
      const { conn, take } = groReceiver(t, net, family)
      const rules = firewall(net, 'B', 'input', [`udp dport ${conn.localAddress.port} counter reject`])
      t.teardown(() => rules.remove())
      const sender = openSender(t, net, { family, recvErrors: true, receiveBufferBytes: 4 << 20 })
      const stream = new Stream(sender, { to: conn.localAddress })
      for (let round = 0; round < 10; round += 1) await stream.send()
      const rejected: number[] = []
      await until(() => {
        for (const { code, payload } of sender.takeErrors())
          if (code === 'ECONNREFUSED') rejected.push(payload.readUInt32BE())
        return rejected.length >= stream.length
      })
      t.equal(stream.failed.size, 0)
      t.strictSame(
        rejected.sort((a, b) => a - b),
        stream.accepted,
      )
      t.strictSame(rules.packets(), [stream.length])
      t.strictSame(take().numbers, [])
    },
  )
}

t.test(
  'connected, rejected by the receiver’s firewall: recv throws ECONNREFUSED, no send fails',
  { skip },
  async (t) => {
    pinNeighbours(net)
    const { conn, takeAll } = groReceiver(t, net, 'ipv4')
    const rules = firewall(net, 'B', 'input', [`udp dport ${conn.localAddress.port} counter reject`])
    const sender = net.within('A', () => BatchConn.open().connect(conn.localAddress))
    t.teardown(() => sender.close())
    const stream = new Stream(sender)
    for (let round = 0; round < 10; round += 1) await stream.send()
    t.equal(stream.failed.size, 0)
    t.strictSame(rules.packets(), [640], 'each message was sent once')
    const inbox = new RecvBatch()
    t.throws(() => sender.recv(inbox), { code: 'ECONNREFUSED' })
    t.equal(sender.recv(inbox), 0, 'once')
    rules.remove()
    await sender.sendAll(numberedBatch(1, 100, undefined, { first: 4711 }))
    t.strictSame((await takeAll(1)).numbers, [4711], 'the socket works again when the firewall lets datagrams pass')
  },
)
