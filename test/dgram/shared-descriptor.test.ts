import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { createSocket } from '../../src/dgram/index.js'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { F_DUPFD_CLOEXEC } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { childJson } from '../support/child.js'
import { compiledProgram } from '../support/compiled.js'
import { bound, messages, until } from './support.js'

// A descriptor shared by several processes: datagrams that one of them does not deliver must stay for the others.

t.test('cluster workers that close in mid-stream: every datagram is delivered by one of them', async (t) => {
  const counts = await childJson<number[]>('shared-descriptor', { args: ['4', '40', '10'] })
  t.strictSame(counts, [10, 10, 10, 10])
})

t.test('a socket sent to a child process: GRO is switched off, and queued datagrams are delivered here', async (t) => {
  const socket = await bound(t)
  t.match(socket.batching, { available: true, reason: /Linux/ })
  const seen = messages(socket)
  const child = fork(compiledProgram('receives-socket'))
  t.teardown(() => child.kill())
  const conn = BatchConn.open()
  t.teardown(() => conn.close())
  sendSegments(conn, socket.address().port, 'a')
  child.send('socket', socket)
  t.match(socket.batching, { available: true, reason: /another process/ })
  await until(() => seen.length === 40)
  t.ok(
    seen.every((text) => /^a{100}$/.test(text)),
    'the queued GRO buffer was split here',
  )
  await ready(child)
  socket.close()
  sendSegments(conn, await port(child), 'b')
  const [sizes] = await once(child, 'message')
  t.strictSame(
    sizes,
    Array.from({ length: 40 }, () => 100),
    'the child, over node:dgram, receives single datagrams',
  )
})

t.test('an adopted descriptor: one datagram per call, none lost when the socket closes', async (t) => {
  const owner = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  t.teardown(() => owner.close())
  const sender = BatchConn.open()
  t.teardown(() => sender.close())
  const out = new SendBatch()
  for (let index = 0; index < 30; index += 1) out.append(`${index}`, owner.localAddress)
  sender.send(out)
  const socket = createSocket('udp4')
  const seen: string[] = []
  socket.on('message', (bytes) => {
    seen.push(bytes.toString())
    if (seen.length === 7) socket.close()
  })
  // Node closes the descriptor that it is given, so pass a duplicate.
  socket.bind({ fd: libc().fcntl(owner.fd, F_DUPFD_CLOEXEC, 0) })
  await once(socket, 'close')
  const rest = new RecvBatch()
  owner.recv(rest)
  t.strictSame(seen, ['0', '1', '2', '3', '4', '5', '6'])
  t.equal(rest.length, 23, 'the remaining datagrams are still in the socket')
  t.equal(rest.bytes(0).toString(), '7')
})

function sendSegments(conn: BatchConn, to: number, letter: string): void {
  const batch = new SendBatch({ slotBytes: 4000 })
  batch.append(letter.repeat(4000), endpoint({ address: '127.0.0.1', port: to }), { segmentBytes: 100 })
  conn.send(batch)
}

async function ready(child: ChildProcess): Promise<void> {
  const [message] = await once(child, 'message')
  if (message !== 'ready') throw new Error(`the child sent ${message}`)
}

async function port(child: ChildProcess): Promise<number> {
  child.send('port?')
  const [message] = await once(child, 'message')
  return Number(message)
}
