import { createSocket } from 'node:dgram'
import { closeSync, openSync, readdirSync } from 'node:fs'
import t from 'tap'
import { BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, drain, LOOPBACK } from '../support/sockets.js'

const descriptors = () => readdirSync('/proc/self/fd').length

for (const family of ['ipv4', 'ipv6'] as const) {
  t.test(`${family}: a socket can open, bind, connect, send, disconnect and close`, (t) => {
    using receiver = boundSocket({ family })
    const sender = BatchConn.open({ family })
    t.equal(sender.family, family)
    t.equal(sender.localAddress.port, 0)
    t.equal(sender.remoteAddress, undefined)
    t.equal(sender.bind({ address: LOOPBACK[family], port: 0 }), sender, 'chainable')
    t.not(sender.localAddress.port, 0)

    t.equal(sender.connect(receiver.localAddress), sender, 'chainable')
    t.ok(sender.remoteAddress?.equals(receiver.localAddress))
    const out = new SendBatch()
    out.append('connected')
    t.equal(sender.send(out), 1)

    t.equal(sender.disconnect(), sender)
    t.equal(sender.remoteAddress, undefined)
    out.rewind()
    t.throws(() => sender.send(out), { code: 'ERR_DESTINATION_MISSING', index: 0 })
    out.clear()
    out.append('to a destination', receiver.localAddress)
    t.equal(sender.send(out), 1)
    t.strictSame(
      drain(receiver).map(({ text }) => text),
      ['connected', 'to a destination'],
    )

    sender.close()
    t.equal(sender.closed, true)
    sender.close()
    t.end()
  })
}

t.test('every method of a closed socket throws ERR_SOCKET_CLOSED', async (t) => {
  const conn = BatchConn.open()
  conn.close()
  const out = new SendBatch()
  out.append('x')
  const closed = { name: 'TypeError', code: 'ERR_SOCKET_CLOSED' }
  const anywhere = { address: '127.0.0.1', port: 9 }
  t.throws(() => conn.send(out), closed)
  t.throws(() => conn.recv(new RecvBatch()), closed)
  t.throws(() => conn.recvBlocking(new RecvBatch(), { timeoutMs: 1 }), closed)
  t.throws(() => conn.waitWritable(), closed)
  t.throws(() => conn.bind(anywhere), closed)
  t.throws(() => conn.connect(anywhere), closed)
  t.throws(() => conn.disconnect(), closed)
  t.throws(() => conn.localAddress, closed)
  t.throws(() => conn.remoteAddress, closed)
  t.throws(() => conn.fd, closed)
  t.throws(() => conn.options.ttl, closed)
  t.throws(() => conn.joinMulticast({ group: '239.0.0.1' }), closed)
  await t.rejects(conn.readable(), closed)
  await t.rejects(conn.writable(), closed)
  await t.rejects(conn.sendAll(out), closed)
})

t.test('a failed open or bind leaves no descriptor open', (t) => {
  using taken = boundSocket()
  using conn = BatchConn.open()
  const before = descriptors()
  t.throws(() => BatchConn.open({ ttl: 0 }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /ttl/ })
  t.throws(() => BatchConn.open({ bindToDevice: 'no-such-device' }), { code: 'ENODEV', syscall: 'setsockopt' })
  t.throws(() => BatchConn.open({ ipv6Only: true }), { code: 'ERR_ADDRESS_FAMILY' })
  t.throws(() => BatchConn.open({ countDrops: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => conn.bind(taken.localAddress), {
    name: 'ErrnoError',
    code: 'EADDRINUSE',
    errno: -98,
    syscall: 'bind',
    address: '127.0.0.1',
    port: taken.localAddress.port,
  })
  t.equal(descriptors(), before)
  t.end()
})

t.test('misuse is rejected before the system call', (t) => {
  using conn = BatchConn.open()
  t.throws(() => BatchConn.open({ family: 'ipv5' as never }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /'ipv4', 'ipv6'/,
  })
  t.throws(() => BatchConn.open({ reusePrt: true } as never), {
    code: 'ERR_UNKNOWN_OPTION',
    message: /reusePrt.*reusePort/,
  })
  t.throws(() => BatchConn.open(4 as never), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => conn.bind({ address: '127.0.0.1', port: 70000 }), { name: 'RangeError', code: 'ERR_SOCKET_BAD_PORT' })
  t.throws(() => conn.bind({ address: 'localhost', port: 0 }), { code: 'ERR_INVALID_ARG_VALUE', message: /numeric/ })
  t.throws(() => conn.bind({ address: '::1', port: 0 }), { code: 'ERR_ADDRESS_FAMILY', message: /ipv4.*ipv6/ })
  t.throws(() => conn.connect({ address: '127.0.0.1', port: 0 }), { code: 'ERR_SOCKET_BAD_PORT' })
  t.throws(() => conn.send(new RecvBatch() as never), { code: 'ERR_INVALID_ARG_TYPE', message: /SendBatch/ })
  t.throws(() => conn.recv(new SendBatch() as never), { code: 'ERR_INVALID_ARG_TYPE', message: /RecvBatch/ })
  t.throws(() => conn.recvBlocking(new RecvBatch(), { timeoutMs: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  t.end()
})

t.test('adopt takes over a UDP descriptor and its connection', async (t) => {
  using receiver = boundSocket()
  const original = BatchConn.open().connect(receiver.localAddress)
  const conn = BatchConn.adopt(original.fd, { ttl: 7 })
  t.equal(conn.family, 'ipv4')
  t.equal(conn.options.ttl, 7)
  const out = new SendBatch()
  out.append('adopted')
  t.equal(conn.send(out), 1, 'the socket is connected')
  t.equal(drain(receiver)[0].text, 'adopted')
  conn.close()
  t.throws(() => original.localAddress, { code: 'EBADF', syscall: 'getsockname' })
  t.throws(() => original.close(), { code: 'EBADF', syscall: 'close' })
  t.equal(original.closed, true)
})

t.test('adopt rejects a descriptor that is no UDP socket, and leaves it open', (t) => {
  const file = openSync('/dev/null', 'r')
  t.throws(() => BatchConn.adopt(file), { code: 'ENOTSOCK' })
  closeSync(file)
  t.throws(() => BatchConn.adopt(file), { code: 'EBADF' })
  t.throws(() => BatchConn.adopt(-1), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => BatchConn.adopt(3, { family: 'ipv4' } as never), { code: 'ERR_UNKNOWN_OPTION' })
  t.end()
})

t.test('a BatchConn and a node:dgram socket exchange datagrams in both directions', async (t) => {
  using conn = boundSocket()
  const other = createSocket('udp4')
  t.teardown(() => other.close())
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve))
  const answer = new Promise<[Buffer, { port: number }]>((resolve) =>
    other.once('message', (bytes, info) => resolve([bytes, info])),
  )
  other.send('ping', conn.localAddress.port, '127.0.0.1')
  await conn.readable()
  const inbox = new RecvBatch()
  t.equal(conn.recv(inbox), 1)
  t.equal(inbox.bytes(0).toString(), 'ping')
  const out = new SendBatch()
  out.append('pong', inbox.source(0))
  t.equal(conn.send(out), 1)
  const [bytes, info] = await answer
  t.equal(bytes.toString(), 'pong')
  t.equal(info.port, conn.localAddress.port)
})

t.test('recvBlocking returns queued datagrams, waits for new ones, and stops at the timeout', async (t) => {
  using receiver = boundSocket()
  using sender = BatchConn.open()
  const inbox = new RecvBatch()
  t.equal(receiver.recvBlocking(inbox, { timeoutMs: 0 }), 0)
  const started = performance.now()
  t.equal(receiver.recvBlocking(inbox, { timeoutMs: 150 }), 0)
  t.ok(performance.now() - started >= 149, 'not before the timeout')
  const out = new SendBatch()
  out.append('here', receiver.localAddress)
  sender.send(out)
  t.equal(receiver.recvBlocking(inbox), 1)
  t.equal(sender.waitWritable({ timeoutMs: 0 }), true)
})
