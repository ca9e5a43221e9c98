import { once } from 'node:events'
import t from 'tap'
import dgram, { type SocketOptions } from '../../src/dgram/index.js'
import { BatchConn } from '../../src/index.js'
import { bound, messages, until } from '../dgram/support.js'

t.test('a wrong value in reusePort throws when the socket is created', (t) => {
  const create = (reusePort: unknown) => dgram.createSocket({ type: 'udp4', reusePort } as SocketOptions)
  t.throws(() => create({ steer: 'core' }), { code: 'ERR_INVALID_ARG_VALUE', message: /^steer must be one of 'hash'/ })
  t.throws(() => create({ steer: 'cpu', sockets: 0 }), { code: 'ERR_OUT_OF_RANGE', message: /^sockets must be/ })
  t.throws(() => create({ steer: 'cpu', socket: 2 }), { code: 'ERR_UNKNOWN_OPTION' })
  t.end()
})

t.test('reusePort: null is off, as in node:dgram', async (t) => {
  const options = { reusePort: null } as unknown as SocketOptions
  const socket = await bound(t, options)
  t.ok(socket.address().port > 0)
})

t.test('sendMany accepts a callback in the place of the target', async (t) => {
  const receiver = await bound(t)
  const seen = messages(receiver)
  const sender = await bound(t)
  sender.connect(receiver.address().port, '127.0.0.1')
  await once(sender, 'connect')
  const bytes = await new Promise((resolve, reject) => {
    sender.sendMany(['a', 'bb'], (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
  })
  t.equal(bytes, 3)
  await until(() => seen.length === 2)
  t.strictSame(seen, ['a', 'bb'])
})

t.test('a socket that a listener of networkError closes emits no further one', async (t) => {
  const gone = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const { address, port } = gone.localAddress
  gone.close()
  const socket = await bound(t, { recvErrors: true })
  let events = 0
  socket.on('networkError', () => {
    events += 1
    socket.close()
  })
  socket.sendMany(['a', 'b', 'c'], { port, address })
  await once(socket, 'close')
  t.equal(events, 1)
})
