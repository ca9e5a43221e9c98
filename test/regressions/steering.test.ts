import { spawnSync } from 'node:child_process'
import t from 'tap'
import dgram, { type SocketOptions } from '../../src/dgram/index.js'
import { BatchConn, type ReusePortOptions, SendBatch } from '../../src/index.js'
import { bound } from '../dgram/support.js'
import { childJson } from '../support/child.js'
import { boundSocket, drain } from '../support/sockets.js'

const hasNamespaces = spawnSync('unshare', ['-n', 'true']).status === 0
const needsNamespaces = !hasNamespaces && 'needs root and unshare'

/** Every CPU modulo 1 is the first socket of the group. */
const FIRST: ReusePortOptions = { steer: 'cpu', sockets: 1 }

t.test(
  'a second socket joins the group in a network without a loopback address',
  { skip: needsNamespaces },
  async (t) => {
    t.equal(await childJson('steered-group', { wrapper: ['unshare', '-n'] }), 4)
  },
)

t.test('after a port in use, a second bind still steers', async (t) => {
  using other = boundSocket()
  using conn = BatchConn.open({ reusePort: FIRST, receiveBufferBytes: 1 << 20 })
  t.throws(() => conn.bind(other.localAddress), { code: 'EADDRINUSE' })
  t.equal(conn.localAddress.port, 0)
  conn.bind({ address: '127.0.0.1', port: 0 })
  using second = BatchConn.open({ reusePort: true }).bind(conn.localAddress)
  const out = new SendBatch({ capacity: 1 })
  out.append('x', conn.localAddress)
  for (let flow = 0; flow < 32; flow += 1) {
    using sender = BatchConn.open()
    out.rewind()
    sender.send(out)
  }
  t.strictSame([drain(conn).length, drain(second).length], [32, 0])
})

t.test('a rejected steer changes nothing', async (t) => {
  using conn = boundSocket()
  t.throws(() => Object.assign(conn.options, { reusePort: FIRST }), { code: 'ERR_INVALID_STATE' })
  t.throws(() => Object.assign(conn.options, { reusePort: { steer: 'best' } }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.equal(conn.options.reusePort, false)
})

t.test('batchconn/dgram: a wrong steer is an error of createSocket, not of bind', async (t) => {
  const table: [object, string][] = [
    [{ steer: 'best' }, 'ERR_INVALID_ARG_VALUE'],
    [{ steer: 'cpu', sockets: '2' }, 'ERR_INVALID_ARG_TYPE'],
    [{ steer: 'cpu', size: 2 }, 'ERR_UNKNOWN_OPTION'],
  ]
  for (const [reusePort, code] of table) {
    const options: SocketOptions = { type: 'udp4', reusePort: reusePort as ReusePortOptions }
    t.throws(() => dgram.createSocket(options), { code }, code)
  }
})

t.test('batchconn/dgram: reusePort null is none, as in node:dgram', async (t) => {
  const socket = await bound(t, { reusePort: null as never })
  t.ok(socket.address().port > 0)
})

t.test('batchconn/dgram: options that change after createSocket have no effect', async (t) => {
  const reusePort: ReusePortOptions = { ...FIRST }
  const socket = dgram.createSocket({ type: 'udp4', reusePort })
  t.teardown(() => socket.close())
  Object.assign(reusePort, { steer: 'best' })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.ok(socket.address().port > 0)
})
