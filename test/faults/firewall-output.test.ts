import { once } from 'node:events'
import t from 'tap'
import dgram from '../../src/dgram/index.js'
import { libc } from '../../src/libc/libc.js'
import { until } from '../dgram/support.js'
import { firewall, NO_NFT } from './support/firewall.js'
import { groReceiver, openNet, openSender } from './support/hosts.js'
import { pinNeighbours } from './support/net.js'
import { numbered, range } from './support/numbered.js'
import { Stream } from './support/stream.js'

// A firewall of the sender's host that drops or rejects datagrams. The results are compared with its own counters.

const { net, skip: noHosts } = openNet(t, 'fo')
const skip = noHosts || NO_NFT

for (const family of ['ipv4', 'ipv6'] as const) {
  for (const coalesce of [false, true]) {
    const title = `${family}, ${coalesce ? 'GSO' : 'single'} sends`

    t.test(
      `${title}: each message that the sender's firewall drops fails with EPERM`,
      { skip: skip || net.lacks(family) },
      async (t) => {
        pinNeighbours(net)
        const { conn, takeAll } = groReceiver(t, net, family)
        const { port } = conn.localAddress
        const sender = openSender(t, net, { family })
        const stream = new Stream(sender, { to: conn.localAddress, coalesce })
        await stream.send()
        for (const verdict of ['drop', 'reject']) {
          const rules = firewall(net, 'A', 'output', [`udp dport ${port} counter ${verdict}`])
          const { size } = stream.failed
          await stream.send()
          t.equal(stream.failed.size - size, 64, `${verdict}: each of the 64 failed`)
          t.ok(rules.packets()[0] >= 64, `${verdict}: the firewall saw each of them separately`)
          rules.remove()
          await stream.send()
        }
        const earlier = await takeAll(stream.accepted.length)
        earlier.coalesced = 0
        await stream.send()
        const { numbers, coalesced } = await takeAll(stream.accepted.length)
        t.strictSame(stream.codes, ['EPERM'])
        t.strictSame(numbers, stream.accepted, 'every message reported as sent arrived')
        t.equal(sender.gso.available, true)
        t.equal(coalesced > 0, coalesce, 'GSO is used as before')
      },
    )

    t.test(
      `${title}: a random drop at the sender: messages reported as sent arrive, failed ones do not`,
      { skip: skip || net.lacks(family) },
      async (t) => {
        pinNeighbours(net)
        const { conn, takeAll } = groReceiver(t, net, family)
        const { port } = conn.localAddress
        const sender = openSender(t, net, { family })
        const rules = firewall(net, 'A', 'output', [
          `udp dport ${port} numgen random mod 3 0 counter drop`,
          `udp dport ${port} counter`,
        ])
        t.teardown(() => rules.remove())
        const stream = new Stream(sender, { to: conn.localAddress, coalesce })
        for (let round = 0; round < 30; round += 1) await stream.send()
        const { numbers } = await takeAll(stream.accepted.length)
        const [dropped, passed] = rules.packets()
        t.ok(stream.failed.size > 0 && stream.accepted.length > 0, `${stream.failed.size} failed`)
        t.ok(dropped >= stream.failed.size, `${dropped} attempts were dropped`)
        t.strictSame(stream.codes, ['EPERM'])
        t.strictSame(numbers, stream.accepted)
        if (!coalesce) t.equal(passed, stream.accepted.length, 'as many as the firewall passed')
        t.equal(sender.gso.available, true)
      },
    )
  }
}

t.test('a firewall that rejects the first message is not mistaken for a missing sendmmsg', { skip }, async (t) => {
  pinNeighbours(net)
  const { conn, takeAll } = groReceiver(t, net, 'ipv4')
  const rules = firewall(net, 'A', 'output', [`udp dport ${conn.localAddress.port} counter drop`])
  const sender = openSender(t, net)
  const stream = new Stream(sender, { to: conn.localAddress })
  for (let round = 0; round < 3; round += 1) await stream.send()
  t.equal(stream.failed.size, 192)
  rules.remove()
  const native = libc()
  const { sendmmsg } = native
  let calls = 0
  t.teardown(() => Object.assign(native, { sendmmsg }))
  Object.assign(native, {
    sendmmsg: (...args: Parameters<typeof sendmmsg>) => {
      calls += 1
      return sendmmsg(...args)
    },
  })
  for (let round = 0; round < 3; round += 1) await stream.send()
  t.equal(calls, 3, 'one system call per batch')
  t.equal(sender.batching.available, true)
  t.strictSame((await takeAll(192)).numbers, stream.accepted)
})

t.test('the drop-in: each callback gets the firewall’s error, and none without the rule', { skip }, async (t) => {
  pinNeighbours(net)
  const { conn, takeAll } = groReceiver(t, net, 'ipv4')
  const { address, port } = conn.localAddress
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  await net.withinAsync('A', async () => once(socket.bind(0), 'listening'))
  const codes: string[] = []
  const sendMany = async (first: number) => {
    const { length } = codes
    for (let index = 0; index < 100; index += 1) {
      socket.send(numbered(first + index, 500), port, address, (error) => {
        codes.push(error === null ? 'sent' : String((error as NodeJS.ErrnoException).code))
      })
    }
    await until(() => codes.length === length + 100)
  }
  const rules = firewall(net, 'A', 'output', [`udp dport ${port} counter drop`])
  await sendMany(0)
  rules.remove()
  await sendMany(100)
  t.strictSame(codes, [...Array(100).fill('EPERM'), ...Array(100).fill('sent')])
  t.strictSame((await takeAll(100)).numbers, range(100, 100))
})
