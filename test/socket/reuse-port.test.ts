import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import dgram from '../../src/dgram/index.js'
import { BatchConn, RecvBatch, type ReusePortOptions, SendBatch } from '../../src/index.js'
import { childJson } from '../support/child.js'

// Datagrams of one flow to a group of sockets on one port, distributed by classic BPF.

const SOCKETS = 4
const DATAGRAMS = 400

type Group = BatchConn[]

function openGroup(t: Test, options: (boolean | ReusePortOptions)[]): Group {
  const group: Group = []
  for (const reusePort of options) {
    const conn = BatchConn.open({ reusePort, receiveBufferBytes: 4 << 20 })
    conn.bind(group[0]?.localAddress ?? { address: '127.0.0.1', port: 0 })
    group.push(conn)
  }
  t.teardown(() => {
    for (const conn of group) conn.close()
  })
  return group
}

/** Sends from one port, and returns how many datagrams each socket received. */
function spread([first, ...others]: Group): number[] {
  using sender = BatchConn.open().connect(first.localAddress)
  const out = new SendBatch({ capacity: DATAGRAMS, slotBytes: 16 })
  for (let index = 0; index < DATAGRAMS; index += 1) out.append(String(index))
  sender.send(out)
  const inbox = new RecvBatch({ capacity: DATAGRAMS, slotBytes: 16 })
  return [first, ...others].map((conn) => conn.recv(inbox))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

t.test('hash: one flow, one socket', async (t) => {
  for (const reusePort of [true, { steer: 'hash' } as const]) {
    const counts = spread(openGroup(t, new Array(SOCKETS).fill(reusePort)))
    t.strictSame(
      counts.filter((count) => count > 0),
      [DATAGRAMS],
    )
  }
})

t.test('random: one flow, every socket', async (t) => {
  const counts = spread(openGroup(t, new Array(SOCKETS).fill({ steer: 'random', sockets: SOCKETS })))
  t.equal(sum(counts), DATAGRAMS)
  // With 400 datagrams, 40 of an expected 100 is seven standard deviations away.
  for (const count of counts) t.ok(count > 40 && count < 160, String(counts))
})

t.test('cpu: the socket of the CPU that received the packet', async (t) => {
  const counts = spread(openGroup(t, new Array(SOCKETS).fill({ steer: 'cpu', sockets: 1 })))
  t.strictSame(counts, [DATAGRAMS, 0, 0, 0], 'every CPU modulo 1 is the first socket')
})

t.test('the first socket that binds decides, and its program outlives it', async (t) => {
  const random = { steer: 'random', sockets: 2 } as const
  t.equal(spread(openGroup(t, [true, random])).filter((count) => count > 0).length, 1, 'the first has none')
  const group = openGroup(t, [random, true, true])
  const counts = spread(group)
  t.ok(counts[0] > 0 && counts[1] > 0 && counts[2] === 0, String(counts))
  group.shift()?.close()
  const left = spread(group)
  t.equal(sum(left), DATAGRAMS, 'nothing is lost')
  t.ok(left[0] > 0 && left[1] > 0, String(left))
  group.shift()?.close()
  t.strictSame(spread(group), [DATAGRAMS])
})

t.test('while sockets are missing, their share is distributed by hash', async (t) => {
  const group = openGroup(t, [{ steer: 'random', sockets: 64 }, true])
  t.equal(sum(spread(group)), DATAGRAMS)
})

t.test('steer is rejected after bind: replacing the program of a group in use is not safe', async (t) => {
  const [conn] = openGroup(t, [true])
  t.throws(() => Object.assign(conn.options, { reusePort: { steer: 'random' } }), { code: 'ERR_INVALID_STATE' })
  using adopted = BatchConn.open({ reusePort: true }).bind({ address: '127.0.0.1', port: 0 })
  t.throws(() => BatchConn.adopt(adopted.fd, { reusePort: { steer: 'cpu' } }), { code: 'ERR_INVALID_STATE' })
})

t.test('before bind, steer can be changed and removed', async (t) => {
  const random = { steer: 'random', sockets: 2 } as const
  for (const [reusePort, sockets] of [
    [{ steer: 'hash' }, 1],
    [true, 1],
    [random, 2],
  ] as const) {
    const first = BatchConn.open({ reusePort: { steer: 'cpu', sockets: 1 } })
    Object.assign(first.options, { reusePort })
    first.bind({ address: '127.0.0.1', port: 0 })
    using second = BatchConn.open({ reusePort: true }).bind(first.localAddress)
    // 'cpu' with one socket would steer everything to the first, for each sender.
    const groups = Array.from({ length: 16 }, () => spread([first, second]).map((count) => count > 0))
    t.equal(
      groups.some((hit) => hit[1]),
      true,
      JSON.stringify(reusePort),
    )
    t.equal(groups[0].filter(Boolean).length, sockets)
    first.close()
  }
})

t.test('sockets that bind one port at the same time all join its group', async (t) => {
  const rounds = await childJson<number[][]>('steered-race')
  t.equal(rounds.length, 25)
  for (const counts of rounds) {
    t.equal(sum(counts), DATAGRAMS, String(counts))
    t.ok(counts.filter((count) => count > 0).length > 1, `one flow reaches several sockets: ${counts}`)
  }
})

t.test('bad values', async (t) => {
  const table: [unknown, string][] = [
    [{ steer: 'best' }, 'ERR_INVALID_ARG_VALUE'],
    [{ steer: 'random', sockets: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ steer: 'random', size: 2 }, 'ERR_UNKNOWN_OPTION'],
    [{}, 'ERR_INVALID_ARG_VALUE'],
    ['random', 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
  ]
  const descriptors = () => readFileSync('/proc/self/status', 'utf8').match(/FDSize:.*/)?.[0]
  const before = descriptors()
  for (const [reusePort, code] of table) {
    t.throws(() => BatchConn.open({ reusePort: reusePort as never }), { code }, JSON.stringify(reusePort))
  }
  t.equal(descriptors(), before)
})

t.test('batchconn/dgram steers too', async (t) => {
  const reusePort = { steer: 'random', sockets: 2 } as const
  const counts = [0, 0]
  let port = 0
  for (const index of counts.keys()) {
    const socket = dgram.createSocket({ type: 'udp4', reusePort, recvBufferSize: 4 << 20 })
    t.teardown(() => socket.close())
    socket.on('message', () => {
      counts[index] += 1
    })
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    port = socket.address().port
  }
  // Over loopback a GSO send is not split, and reaches one socket as a whole.
  const sender = dgram.createSocket({ type: 'udp4', gso: false })
  t.teardown(() => sender.close())
  const payloads = Array.from({ length: 200 }, String)
  await new Promise((resolve) => sender.sendMany(payloads, { port, address: '127.0.0.1' }, resolve))
  for (let round = 0; round < 1_000 && sum(counts) < 200; round += 1) await new Promise((go) => setImmediate(go))
  t.equal(sum(counts), 200)
  t.ok(counts[0] > 20 && counts[1] > 20, String(counts))
})
