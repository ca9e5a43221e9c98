import t from 'tap'
import { BatchConn, type SocketSettings } from '../../src/index.js'
import { boundSocket } from '../support/sockets.js'

const COMMON: SocketSettings[] = [
  { reuseAddress: true },
  { reusePort: true },
  { broadcast: true },
  { ttl: 1 },
  { ttl: 255 },
  { tos: 0 },
  { tos: 0xb8 },
  { bindToDevice: 'lo' },
  { mtuDiscover: 'dont' },
  { mtuDiscover: 'want' },
  { mtuDiscover: 'do' },
  { mtuDiscover: 'probe' },
  { mtuDiscover: 'interface' },
  { mtuDiscover: 'omit' },
  { multicastTtl: 0 },
  { multicastTtl: 255 },
  { multicastLoop: false },
  { multicastLoop: true },
]

for (const family of ['ipv4', 'ipv6'] as const) {
  t.test(`${family}: getsockopt returns what was set at open`, (t) => {
    const settings = family === 'ipv6' ? [...COMMON, { ipv6Only: true }, { ipv6Only: false }] : COMMON
    for (const setting of settings) {
      using conn = BatchConn.open({ family, ...setting })
      t.match(conn.options, setting)
    }
    t.end()
  })
}

t.test('options can be changed on an open socket', (t) => {
  using conn = boundSocket()
  conn.options.ttl = 3
  conn.options.tos = 8
  t.equal(conn.options.ttl, 3)
  t.equal(conn.options.tos, 8)
  conn.options.bindToDevice = 'lo'
  t.equal(conn.options.bindToDevice, 'lo')
  conn.options.bindToDevice = ''
  t.equal(conn.options.bindToDevice, '')
  t.end()
})

t.test('buffer sizes read as granted: twice the requested size, above the system maximum for root', (t) => {
  using conn = BatchConn.open({ receiveBufferBytes: 100_000, sendBufferBytes: 50_000 })
  t.equal(conn.options.receiveBufferBytes, 200_000)
  t.equal(conn.options.sendBufferBytes, 100_000)
  if (process.getuid?.() === 0) {
    conn.options.receiveBufferBytes = 32 << 20
    t.equal(conn.options.receiveBufferBytes, 64 << 20)
  }
  t.end()
})

t.test('mtu is available after connect', (t) => {
  using receiver = boundSocket()
  using conn = BatchConn.open()
  t.throws(() => conn.options.mtu, { code: 'ENOTCONN' })
  conn.connect(receiver.localAddress)
  t.equal(conn.options.mtu, 65535, 'loopback’s 65536, limited to the largest IP packet')
  t.end()
})

t.test('invalid values are rejected', (t) => {
  const table: [SocketSettings, { code: string; message?: RegExp }][] = [
    [{ ttl: 0 }, { code: 'ERR_OUT_OF_RANGE', message: /ttl must be an integer from 1 to 255; received 0/ }],
    [{ ttl: 256 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ ttl: '1' as never }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ tos: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ multicastTtl: 1.5 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ broadcast: 1 as never }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ receiveBufferBytes: 0 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ mtuDiscover: 'no' as never }, { code: 'ERR_INVALID_ARG_VALUE', message: /'dont', 'want'/ }],
    [{ bindToDevice: 5 as never }, { code: 'ERR_INVALID_ARG_TYPE' }],
    [{ bindToDevice: 'a-name-longer-than-15-bytes' }, { code: 'ERR_INVALID_ARG_VALUE' }],
    [{ multicastInterface: 'no-such' }, { code: 'ENODEV' }],
    [{ multicastInterface: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ multicastInterface: '192.0.2.99' }, { code: 'ERR_INVALID_ARG_VALUE' }],
  ]
  for (const [setting, expected] of table) t.throws(() => BatchConn.open(setting), expected, JSON.stringify(setting))
  t.end()
})

t.test('reusePort lets two sockets share a port; without it the second bind fails', (t) => {
  using first = BatchConn.open({ reusePort: true }).bind({ address: '127.0.0.1', port: 0 })
  using second = BatchConn.open({ reusePort: true }).bind(first.localAddress)
  t.ok(second.localAddress.equals(first.localAddress))
  using third = BatchConn.open()
  t.throws(() => third.bind(first.localAddress), { code: 'EADDRINUSE' })
  t.end()
})
