import t from 'tap'
import { BatchConn, endpoint, type Family, type MtuDiscover, RecvBatch } from '../../src/index.js'
import { HOST_A, HOST_B } from '../support/two-hosts.js'
import { MovableClock } from './support/clock.js'
import { openNet, openSender } from './support/hosts.js'
import { type Arrival, arrivals, eventually } from './support/numbered.js'
import { Stream } from './support/stream.js'

// A router whose next link has a smaller MTU, and which replies with ICMP "fragmentation needed" or "packet too big".
// The namespace of the sink is the third host: A, router B, and C behind it.

const { net, skip: noHosts } = openNet(t, 'pm')
const HOST_C = { ipv4: '10.84.0.2', ipv6: 'fd84::2', interface: 'veth-c' } as const
const SMALL_MTU = 1300
const skip = noHosts || setUp()

/** Connects host C to host B. @returns a reason if that is impossible */
function setUp(): string | false {
  try {
    net.run(
      'B',
      `ip link add veth-r mtu ${SMALL_MTU} type veth peer name veth-c mtu ${SMALL_MTU} netns ${net.name('sink')}`,
    )
  } catch (error) {
    return (error as Error).message
  }
  net.set('B', 'net.ipv4.ip_forward', 1)
  net.run('B', 'ip address add 10.84.0.1/24 dev veth-r && ip link set veth-r up')
  net.run('sink', 'ip address add 10.84.0.2/24 dev veth-c && ip link set veth-c up')
  net.run('sink', 'ip route add 10.83.0.0/24 via 10.84.0.1')
  net.run('A', `ip route add 10.84.0.0/24 via ${HOST_B.ipv4}`)
  if (net.lacks('ipv6')) return false
  net.set('B', 'net.ipv6.conf.all.forwarding', 1)
  net.run('B', 'ip address add fd84::1/64 dev veth-r nodad')
  net.run('sink', 'ip address add fd84::2/64 dev veth-c nodad && ip -6 route add fd83::/64 via fd84::1')
  net.run('A', `ip -6 route add fd84::/64 via ${HOST_B.ipv6}`)
  return false
}

function setMtu(bytes: number): void {
  for (const [host, device] of [
    ['B', 'veth-r'],
    ['sink', HOST_C.interface],
  ] as const) {
    net.run(host, `ip link set ${device} mtu ${bytes}`)
  }
  // The kernel caches the path MTU for ten minutes (net.ipv4.route.mtu_expires).
  net.run('A', `ip route flush cache; ip -6 route flush cache; ip link set ${HOST_A.interface} up`)
}

interface Row {
  readonly family: Family
  readonly coalesce: boolean
  readonly mtuDiscover: MtuDiscover
}

const rows: Row[] = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  [false, true].flatMap((coalesce) =>
    (['want', 'do'] as const).map((mtuDiscover) => ({ family, coalesce, mtuDiscover })),
  ),
)

for (const { family, coalesce, mtuDiscover } of rows) {
  const title = `${family}, ${coalesce ? 'GSO' : 'single'} sends, mtuDiscover ${mtuDiscover}`
  t.test(
    `${title}: takeErrors() returns the datagrams above the router's MTU, the others arrive or fail`,
    { skip: skip || net.lacks(family) },
    async (t) => {
      using clock = new MovableClock()
      setMtu(SMALL_MTU)
      const receiver = net.within('sink', () =>
        BatchConn.open({ family, gro: true, receiveBufferBytes: 16 << 20 }).bind({ address: HOST_C[family], port: 0 }),
      )
      t.teardown(() => receiver.close())
      const sender = openSender(t, net, { family, mtuDiscover, recvErrors: true, receiveBufferBytes: 4 << 20 })
      const inbox = new RecvBatch({ gro: true })
      const arrival: Arrival = { numbers: [], coalesced: 0 }
      const take = () => arrivals(receiver, inbox, arrival)
      const to = endpoint({ address: HOST_C[family], port: receiver.localAddress.port })
      const stream = new Stream(sender, { to, coalesce })

      for (let round = 0; round < 5; round += 1) await stream.send()
      await eventually(() => take().numbers.length >= stream.accepted.length - 64)
      const reports = sender.takeErrors().filter(({ origin }) => origin !== 'local')
      // Linux sets no DF in a GSO send over IPv4 unless mtuDiscover requires it: the router fragments its datagrams.
      const isFragmented = family === 'ipv4' && coalesce && mtuDiscover === 'want'
      t.equal(reports.length > 0, !isFragmented, `${reports.length} reports`)
      const isRight = reports.every(({ code, mtu }) => code === 'EMSGSIZE' && mtu === SMALL_MTU)
      t.ok(isRight, 'each report has the MTU of the next link')
      const arrived = new Set(take().numbers)
      const lost = stream.accepted.filter((number) => !arrived.has(number))
      // A report is about one packet: to the router, all datagrams of an unsegmented GSO send are one.
      const perReport = coalesce ? 64 : 1
      const firsts = reports.map(({ payload }) => payload.readUInt32BE())
      const isReported = (number: number) => firsts.some((first) => number >= first && number < first + perReport)
      t.ok(lost.every(isReported), `${lost.length} lost, ${reports.length} reported`)
      t.strictSame(stream.codes, mtuDiscover === 'do' ? ['EMSGSIZE'] : [], 'fragments are sent unless DF forbids it')

      setMtu(1500)
      take().coalesced = 0
      for (let minute = 0; minute < 60; minute += 1) {
        clock.advance(60_000)
        const { length } = take().numbers
        await stream.send()
        await eventually(() => take().numbers.length >= length + 64)
        if (!coalesce || arrival.coalesced > 0) break
      }
      t.equal(arrival.coalesced > 0, coalesce, 'GSO is used again when the path supports it')
      t.equal(arrival.numbers.length, stream.accepted.length - lost.length, 'no other message was lost')
    },
  )
}
