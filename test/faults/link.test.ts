import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import dgram from '../../src/dgram/index.js'
import type { Family } from '../../src/index.js'
import { until } from '../dgram/support.js'
import { HOST_A, HOST_B } from '../support/two-hosts.js'
import { groReceiver, openNet, openSender } from './support/hosts.js'
import { pinNeighbours } from './support/net.js'
import { eventually, numbered } from './support/numbered.js'
import { Stream } from './support/stream.js'

// A link that goes down and up while messages are sent. Each message arrives, is reported as failed, or is in a
// counter.

const { net, skip } = openNet(t, 'lk')
if (!skip && !net.lacks('ipv6')) net.set('A', `net.ipv6.conf.${HOST_A.interface}.keep_addr_on_down`, 1)

/** Starts `ip link set` without waiting for it, so that the stream continues. */
async function setLink(host: 'A' | 'B', state: 'up' | 'down', families?: Family[]): Promise<void> {
  const device = host === 'A' ? HOST_A.interface : HOST_B.interface
  await once(spawn('ip', ['-n', net.name(host), 'link', 'set', device, state]), 'exit')
  if (state === 'up') pinNeighbours(net, families)
}

/** Drops counted by the sender's device: datagrams without GSO, GSO sends with GSO. */
function droppedByLink(): number {
  return net.counter('A', HOST_A.interface, 'tx_dropped')
}

for (const family of ['ipv4', 'ipv6'] as const) {
  for (const connected of [false, true]) {
    for (const coalesce of [false, true]) {
      const title = `${family}, ${connected ? 'connected' : 'unconnected'}, ${coalesce ? 'GSO' : 'single'} sends`
      t.test(
        `${title}: the sender's link goes down in mid-stream and comes up`,
        { skip: skip || net.lacks(family) },
        async (t) => {
          pinNeighbours(net)
          const { conn, take } = groReceiver(t, net, family)
          const from = openSender(t, net, { family })
          if (connected) net.within('A', () => from.connect(conn.localAddress))
          const stream = new Stream(from, { coalesce, ...(connected ? {} : { to: conn.localAddress }) })
          const before = droppedByLink()

          await stream.sendUntil(() => stream.accepted.length >= 640)
          const isDown = setLink('A', 'down')
          await stream.sendUntil(() => stream.failed.size >= 640)
          await isDown
          const isUp = setLink('A', 'up')
          const accepted = stream.accepted.length
          await stream.sendUntil(() => stream.accepted.length > accepted + 640)
          await isUp
          await eventually(() => take().numbers.length + droppedByLink() - before >= stream.accepted.length)
          take().coalesced = 0
          await stream.send()

          await eventually(() => take().numbers.length + droppedByLink() - before >= stream.accepted.length)
          const { numbers, coalesced } = take()
          const lost = stream.accepted.length - numbers.length
          t.ok(
            stream.codes.every((code) => ['ENETDOWN', 'ENETUNREACH', 'EADDRNOTAVAIL'].includes(code)),
            `${stream.codes}`,
          )
          if (coalesce) t.ok(lost === 0 || droppedByLink() > before, `${lost} accepted and lost`)
          else t.equal(lost, droppedByLink() - before, `${lost} accepted and lost: as many as the device counted`)
          const accountedFor = new Set(stream.accepted)
          t.ok(
            numbers.every((number) => accountedFor.has(number)),
            'no message reported as failed arrived',
          )
          t.equal(new Set(numbers).size, numbers.length, 'no message arrived twice')
          t.equal(conn.kernelDrops, 0)
          t.equal(from.gso.available, true)
          t.equal(coalesced > 0, coalesce, 'GSO is used as before')
        },
      )
    }
  }
}

t.test(
  'the peer’s link goes down: the device counts the lost messages, and the stream continues afterwards',
  { skip },
  async (t) => {
    // Neighbour discovery and multicast reports of IPv6 would be in the counter.
    if (!net.lacks('ipv6')) net.set('A', `net.ipv6.conf.${HOST_A.interface}.disable_ipv6`, 1)
    pinNeighbours(net, ['ipv4'])
    const { conn, take } = groReceiver(t, net, 'ipv4')
    const stream = new Stream(openSender(t, net), { to: conn.localAddress })
    const before = droppedByLink()
    await stream.send()
    await setLink('B', 'down')
    for (let round = 0; round < 10; round += 1) await stream.send()
    await setLink('B', 'up', ['ipv4'])
    // The kernel restarts the queue of the device asynchronously, in a kernel worker.
    await until(() => net.run('A', `cat /sys/class/net/${HOST_A.interface}/operstate`).trim() === 'up')
    const first = stream.length
    await stream.send()
    await eventually(() => take().numbers.length + droppedByLink() - before >= stream.accepted.length)
    const { numbers } = take()
    t.equal(stream.failed.size, 0, 'this kernel reports no error')
    t.equal(stream.accepted.length - numbers.length, droppedByLink() - before)
    t.strictSame(numbers.slice(-64), stream.accepted.slice(first), 'all arrive when the link is up')
  },
)

t.test('the drop-in: each callback gets an error while the link is down, and none afterwards', { skip }, async (t) => {
  pinNeighbours(net, ['ipv4'])
  const { conn, take } = groReceiver(t, net, 'ipv4')
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  await net.withinAsync('A', async () => once(socket.bind(0), 'listening'))
  const errors: string[] = []
  socket.on('error', (error) => errors.push(error.message))
  const codes: string[] = []
  const sendMany = async (first: number) => {
    const { length } = codes
    for (let index = 0; index < 300; index += 1) {
      socket.send(numbered(first + index, 1400), conn.localAddress.port, HOST_B.ipv4, (error) => {
        codes.push(error === null ? 'sent' : String((error as NodeJS.ErrnoException).code))
      })
    }
    await until(() => codes.length === length + 300)
  }
  await sendMany(0)
  await setLink('A', 'down')
  await sendMany(300)
  await setLink('A', 'up', ['ipv4'])
  await sendMany(600)
  t.strictSame(codes, [...Array(300).fill('sent'), ...Array(300).fill('ENETUNREACH'), ...Array(300).fill('sent')])
  t.strictSame(
    take().numbers.sort((a, b) => a - b),
    [...Array(300).keys(), ...[...Array(300).keys()].map((n) => n + 600)],
  )
  t.strictSame(errors, [], 'the callbacks get the errors, the socket emits none')
})
