import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { BatchConn, type Family } from '../../src/index.js'
import { until } from '../dgram/support.js'
import { HOST_A, HOST_B } from '../support/two-hosts.js'
import { groReceiver, openNet, openSender } from './support/hosts.js'
import { pinNeighbours } from './support/net.js'
import { Stream } from './support/stream.js'

// Routes and neighbours that disappear and return. Each message arrives or is reported as failed, and GSO stays in use.

const { net, skip } = openNet(t, 'rt')

interface Row {
  readonly kind: string
  readonly code: string
}

// Errors of fib_props (net/ipv4/fib_semantics.c) and of ip6_rt_type_to_error (net/ipv6/route.c).
const rows: Row[] = [
  { kind: 'blackhole', code: 'EINVAL' },
  { kind: 'unreachable', code: 'EHOSTUNREACH' },
  { kind: 'prohibit', code: 'EACCES' },
]

/** Adds or removes a route in host A without waiting for it, so that the stream continues. */
async function route(action: 'add' | 'del', kind: string, family: Family): Promise<void> {
  await once(spawn('ip', ['-n', net.name('A'), 'route', action, kind, HOST_B[family]]), 'exit')
}

for (const family of ['ipv4', 'ipv6'] as const) {
  for (const { kind, code } of rows) {
    for (const coalesce of [false, true]) {
      const title = `${family}, ${coalesce ? 'GSO' : 'single'} sends: a ${kind} route comes and goes in mid-stream`
      t.test(title, { skip: skip || net.lacks(family) }, async (t) => {
        pinNeighbours(net)
        const { conn, takeAll } = groReceiver(t, net, family)
        const sender = openSender(t, net, { family })
        const stream = new Stream(sender, { to: conn.localAddress, coalesce })
        for (let round = 0; round < 3; round += 1) {
          const { size } = stream.failed
          const isAdded = route('add', kind, family)
          await stream.sendUntil(() => stream.failed.size > size)
          await isAdded
          const { length } = stream.accepted
          const isDeleted = route('del', kind, family)
          await stream.sendUntil(() => stream.accepted.length > length)
          await isDeleted
        }
        ;(await takeAll(stream.accepted.length)).coalesced = 0
        await stream.send()
        const { numbers, coalesced } = await takeAll(stream.accepted.length)
        t.strictSame(stream.codes, [code], 'each failure has the error of the route')
        t.strictSame(numbers, stream.accepted, 'every message reported as sent arrived, in order, and no other')
        t.equal(conn.kernelDrops, 0)
        t.equal(sender.gso.available, true)
        t.equal(coalesced > 0, coalesce, 'GSO is used as before')
      })
    }
  }
}

t.test(
  'a neighbour stops answering: takeErrors() returns each message, and the stream continues afterwards',
  { skip },
  async (t) => {
    const device = `net.ipv4.neigh.${HOST_A.interface}`
    net.set('A', `${device}.retrans_time_ms`, 20)
    net.set('A', `${device}.mcast_solicit`, 2)
    net.set('A', `${device}.ucast_solicit`, 1)
    const { conn, take, takeAll } = groReceiver(t, net, 'ipv4')
    const sender = openSender(t, net, { recvErrors: true, receiveBufferBytes: 4 << 20 })
    const stream = new Stream(sender, { to: conn.localAddress, byteLength: 100, messagesPerBatch: 50 })

    net.run('B', `ip link set ${HOST_B.interface} arp off`)
    net.run('A', `ip neigh flush dev ${HOST_A.interface}; ip neigh del ${HOST_B.ipv4} dev ${HOST_A.interface} || true`)
    await stream.send()
    t.equal(stream.failed.size, 0, 'the kernel accepts the messages and queues them at the neighbour')
    const errors: { code: string; number: number }[] = []
    await until(() => {
      for (const { code, payload } of sender.takeErrors()) errors.push({ code, number: payload.readUInt32BE() })
      return errors.length >= 50
    })
    t.strictSame([...new Set(errors.map(({ code }) => code))], ['EHOSTUNREACH'])
    t.strictSame(
      errors.map(({ number }) => number).sort((a, b) => a - b),
      stream.accepted,
      'one error per message',
    )
    t.strictSame(take().numbers, [])

    net.run('B', `ip link set ${HOST_B.interface} arp on`)
    await stream.send()
    t.strictSame((await takeAll(50)).numbers, stream.accepted.slice(50))
    t.strictSame(sender.takeErrors(), [])
    pinNeighbours(net)
  },
)

t.test('a host loses its address for a while: a connected socket fails and works again', { skip }, async (t) => {
  pinNeighbours(net)
  const { conn, takeAll } = groReceiver(t, net, 'ipv4')
  const sender = net.within('A', () => BatchConn.open().connect(conn.localAddress))
  t.teardown(() => sender.close())
  const stream = new Stream(sender, { coalesce: true })
  await stream.send()
  net.run('A', `ip address del ${HOST_A.ipv4}/24 dev ${HOST_A.interface}`)
  await stream.send()
  net.run('A', `ip address add ${HOST_A.ipv4}/24 dev ${HOST_A.interface}`)
  pinNeighbours(net)
  ;(await takeAll(stream.accepted.length)).coalesced = 0
  await stream.send()
  const { numbers, coalesced } = await takeAll(stream.accepted.length)
  t.strictSame(numbers, stream.accepted)
  t.equal(stream.failed.size, 64)
  t.ok(coalesced > 0, 'GSO is used as before')
})
