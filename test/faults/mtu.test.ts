import { once } from 'node:events'
import t from 'tap'
import dgram from '../../src/dgram/index.js'
import { endpoint } from '../../src/index.js'
import { HOST_A, HOST_B } from '../support/two-hosts.js'
import { MovableClock } from './support/clock.js'
import { groReceiver, openNet, openSender, type Receiver } from './support/hosts.js'
import { pinNeighbours } from './support/net.js'
import { numbered, range } from './support/numbered.js'
import { Stream } from './support/stream.js'

// An MTU that falls below the segment size and rises again. Datagrams above the MTU can be sent as fragments but not as
// segments. GSO must pause for that destination only, and for a limited time.

const { net, skip } = openNet(t, 'mt')

/** Sends a batch. Returns the number of datagrams that were received in GRO buffers. */
async function coalescedOf(stream: Stream, { take, takeAll }: Receiver): Promise<number> {
  const before = take()
  before.coalesced = 0
  const { length } = stream.accepted
  const expected = before.numbers.length - length
  await stream.send()
  return (await takeAll(expected + stream.accepted.length)).coalesced
}

/** Advances the clock and sends until GSO is used, for an hour at most. @returns true if it was used */
async function isUsedAgain(clock: MovableClock, stream: Stream, receiver: Receiver): Promise<boolean> {
  for (let minute = 0; minute < 60; minute += 1) {
    clock.advance(60_000)
    if ((await coalescedOf(stream, receiver)) > 0) return true
  }
  return false
}

for (const family of ['ipv4', 'ipv6'] as const) {
  t.test(
    `${family}: the interface's MTU falls below the segment size in mid-stream and rises again`,
    { skip: skip || net.lacks(family) },
    async (t) => {
      pinNeighbours(net)
      using clock = new MovableClock()
      const receiver = groReceiver(t, net, family)
      const sender = openSender(t, net, { family })
      const stream = new Stream(sender, { to: receiver.conn.localAddress, coalesce: true })
      t.ok((await coalescedOf(stream, receiver)) > 0, 'GSO is used at first')

      t.teardown(() => net.run('A', `ip link set ${HOST_A.interface} mtu 1500`))
      net.run('A', `ip link set ${HOST_A.interface} mtu 1300`)
      t.equal(await coalescedOf(stream, receiver), 0, 'the kernel sends fragments')
      const short = new Stream(sender, { to: receiver.conn.localAddress, coalesce: true, byteLength: 1000 })
      t.ok((await coalescedOf(short, receiver)) > 0, 'shorter datagrams still leave by GSO')

      net.run('A', `ip link set ${HOST_A.interface} mtu 1500`)
      t.ok(await isUsedAgain(clock, stream, receiver), 'GSO is used again after a time')
      t.equal(stream.failed.size, 0)
      t.equal(receiver.conn.kernelDrops, 0)
      t.equal(receiver.take().numbers.length, stream.accepted.length + short.accepted.length, 'everything arrived')
      t.equal(sender.gso.available, true)
    },
  )

  t.test(
    `${family}: a route with a small MTU to one destination does not affect GSO to other destinations`,
    { skip: skip || net.lacks(family) },
    async (t) => {
      pinNeighbours(net)
      using clock = new MovableClock()
      const [near, other] = family === 'ipv4' ? [HOST_B.ipv4, '10.83.0.3'] : [HOST_B.ipv6, 'fd83::3']
      const mask = family === 'ipv4' ? 24 : 64
      net.run('B', `ip address replace ${other}/${mask} dev ${HOST_B.interface} ${family === 'ipv6' ? 'nodad' : ''}`)
      const mac = net.run('B', `cat /sys/class/net/${HOST_B.interface}/address`).trim()
      net.run('A', `ip neigh replace ${other} lladdr ${mac} dev ${HOST_A.interface} nud permanent`)
      const receiver = groReceiver(t, net, family, family === 'ipv4' ? '0.0.0.0' : '::')
      const { port } = receiver.conn.localAddress
      const sender = openSender(t, net, { family })
      const stream = new Stream(sender, { to: endpoint({ address: near, port }), coalesce: true })
      const toOther = new Stream(sender, { to: endpoint({ address: other, port }), coalesce: true })

      net.run('A', `ip route add ${near} dev ${HOST_A.interface} mtu 1300`)
      t.teardown(() => net.run('A', `ip route flush exact ${near} || true`))
      t.equal(await coalescedOf(stream, receiver), 0, 'not used for the destination with the small MTU')
      t.ok((await coalescedOf(toOther, receiver)) > 0, 'used for the other destination')
      t.equal(await coalescedOf(stream, receiver), 0)
      net.run('A', `ip route del ${near} dev ${HOST_A.interface}`)
      t.ok(await isUsedAgain(clock, stream, receiver), 'used for the first destination again after a time')
      t.equal(stream.failed.size + toOther.failed.size, 0)
      t.equal(receiver.take().numbers.length, stream.accepted.length + toOther.accepted.length, 'everything arrived')
    },
  )
}

t.test('the drop-in: the MTU falls and rises, everything arrives, and GSO is used again', { skip }, async (t) => {
  pinNeighbours(net)
  using clock = new MovableClock()
  const { conn, take, takeAll } = groReceiver(t, net, 'ipv4')
  const { address, port } = conn.localAddress
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  await net.withinAsync('A', async () => once(socket.bind(0), 'listening'))
  let callbacks = 0
  let sent = 0
  /** Sends 40 messages in one tick. @returns the number of GRO buffers they were received in */
  const coalesced = async () => {
    take().coalesced = 0
    for (let index = 0; index < 40; index += 1) {
      socket.send(numbered(sent, 1400), port, address, (error) => {
        if (error === null) callbacks += 1
      })
      sent += 1
    }
    return (await takeAll(sent)).coalesced
  }
  t.ok((await coalesced()) > 0, 'GSO is used at first')
  net.run('A', `ip link set ${HOST_A.interface} mtu 1300`)
  t.teardown(() => net.run('A', `ip link set ${HOST_A.interface} mtu 1500`))
  t.equal(await coalesced(), 0, 'the kernel sends fragments')
  net.run('A', `ip link set ${HOST_A.interface} mtu 1500`)
  let isUsed = false
  for (let minute = 0; minute < 60 && !isUsed; minute += 1) {
    clock.advance(60_000)
    isUsed = (await coalesced()) > 0
  }
  t.ok(isUsed, 'GSO is used again after a time')
  t.strictSame(take().numbers, range(sent))
  t.equal(callbacks, sent)
})
