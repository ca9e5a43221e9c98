import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import dgram from '../../src/dgram/index.js'
import type { Family } from '../../src/index.js'
import { until } from '../dgram/support.js'
import { HOST_A, HOST_B } from '../support/two-hosts.js'
import { groReceiver, openNet, openSender } from './support/hosts.js'
import { pinNeighbours } from './support/net.js'
import { numbered } from './support/numbered.js'
import { Stream } from './support/stream.js'

// A slow link with a short queue: tbf passes 50 Mbit/s and drops packets that its 20 KB queue has no space for.

const { net, skip: noHosts } = openNet(t, 'fq')
const skip = noHosts || (spawnSync('tc', ['-V']).status === 0 ? false : 'needs tc')

interface Queue {
  /** Packets that left, packets that were dropped, and bytes in the queue. */
  counters(): { sent: number; dropped: number; waiting: number }
  remove(): void
}

function slowLink(families: Family[] = ['ipv4']): Queue {
  // Neighbour discovery and multicast reports of IPv6 would be in the counters.
  const isOff = families.includes('ipv6') ? 0 : 1
  if (!net.lacks('ipv6')) net.set('A', `net.ipv6.conf.${HOST_A.interface}.disable_ipv6`, isOff)
  pinNeighbours(net, families)
  net.run('A', `tc qdisc add dev ${HOST_A.interface} root tbf rate 50mbit burst 5kb limit 20kb`)
  return {
    counters: () => {
      const [{ packets, drops, backlog }] = JSON.parse(net.run('A', `tc -s -j qdisc show dev ${HOST_A.interface}`))
      return { sent: packets, dropped: drops, waiting: backlog }
    },
    remove: () => {
      net.run('A', `tc qdisc del dev ${HOST_A.interface} root`)
    },
  }
}

for (const family of ['ipv6', 'ipv4'] as const) {
  t.test(
    `${family}: with recvErrors and single sends, every message that sendAll reports as sent arrives`,
    { skip: skip || net.lacks(family) },
    async (t) => {
      const queue = slowLink([family])
      t.teardown(() => queue.remove())
      const { conn, takeAll } = groReceiver(t, net, family)
      const sender = openSender(t, net, { family, recvErrors: true })
      const stream = new Stream(sender, { to: conn.localAddress })
      for (let round = 0; round < 20; round += 1) await stream.send()
      await until(() => queue.counters().waiting === 0)
      const { dropped } = queue.counters()
      t.equal(stream.failed.size, 0)
      const { numbers } = await takeAll(stream.accepted.length)
      t.strictSame(numbers, stream.accepted, 'in order, none twice, none missing')
      t.ok(dropped > 0, `the queue was full ${dropped} times`)
      t.strictSame(sender.takeErrors(), [], 'a full queue is no network error')
    },
  )
}

t.test(
  'with recvErrors and GSO: a rejected GSO send is sent again; the queue counts the segments that it drops',
  { skip },
  async (t) => {
    const queue = slowLink()
    t.teardown(() => queue.remove())
    const { conn, takeAll } = groReceiver(t, net, 'ipv4')
    const stream = new Stream(openSender(t, net, { recvErrors: true }), { to: conn.localAddress, coalesce: true })
    for (let round = 0; round < 10; round += 1) await stream.send()
    await until(() => queue.counters().waiting === 0)
    const { sent, dropped } = queue.counters()
    const { numbers } = await takeAll(sent)
    t.equal(stream.failed.size, 0)
    t.equal(new Set(numbers).size, numbers.length, 'none twice')
    // net/sched/sch_tbf.c: the kernel accepts a GSO send if the queue had space for at least one segment, and does not
    // report how many.
    const lost = stream.accepted.length - numbers.length
    t.ok(lost >= 0 && lost <= dropped, `${lost} lost without a report, ${dropped} dropped by the queue`)
  },
)

t.test('without recvErrors the kernel accepts messages and drops them: the queue counts each', { skip }, async (t) => {
  const queue = slowLink()
  t.teardown(() => queue.remove())
  const { conn, takeAll } = groReceiver(t, net, 'ipv4')
  const stream = new Stream(openSender(t, net), { to: conn.localAddress })
  for (let round = 0; round < 10; round += 1) await stream.send()
  await until(() => queue.counters().waiting === 0)
  const { sent, dropped } = queue.counters()
  t.equal(stream.failed.size, 0)
  t.equal((await takeAll(sent)).numbers.length + dropped, stream.accepted.length)
  t.ok(dropped > 0)
})

t.test('the drop-in over a slow link: each callback is called, and arrived + dropped = sent', { skip }, async (t) => {
  const queue = slowLink()
  t.teardown(() => queue.remove())
  const { conn, takeAll } = groReceiver(t, net, 'ipv4')
  const socket = dgram.createSocket({ type: 'udp4', gso: false })
  t.teardown(() => socket.close())
  await net.withinAsync('A', async () => once(socket.bind(0), 'listening'))
  let callbacks = 0
  const errors: unknown[] = []
  for (let index = 0; index < 1000; index += 1) {
    socket.send(numbered(index, 1400), conn.localAddress.port, HOST_B.ipv4, (error) => {
      callbacks += 1
      if (error !== null) errors.push(error)
    })
  }
  await until(() => callbacks === 1000)
  await until(() => queue.counters().waiting === 0)
  t.strictSame(errors, [])
  const { sent, dropped } = queue.counters()
  t.equal((await takeAll(sent)).numbers.length + dropped, 1000)
})
