import t from 'tap'
import { BatchConn, endpoint, RecvBatch, SendBatch, type SocketSettings } from '../../src/index.js'
import { hasNetAdmin } from '../support/capabilities.js'
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
  { multicastAll: false },
  { multicastAll: true },
  { incomingCpu: 0 },
  { priority: 0 },
  { priority: 6 },
  { maxPacingRate: 1_000_000 },
  { maxPacingRate: 2 ** 32 - 2 },
  { maxPacingRate: Number.POSITIVE_INFINITY },
  { busyPollUs: 0 },
]

/** Require CAP_NET_ADMIN. */
const PRIVILEGED: SocketSettings[] = [{ priority: 7 }, { mark: 0 }, { mark: 2 ** 32 - 1 }]

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

t.test('busyPollUs can be raised, where the kernel allows that without CAP_NET_ADMIN', async (t) => {
  try {
    using conn = BatchConn.open({ busyPollUs: 50 })
    t.equal(conn.options.busyPollUs, 50)
  } catch (error) {
    t.notOk(hasNetAdmin())
    t.match(error, { code: 'EPERM' })
  }
})

t.test('options that require CAP_NET_ADMIN', async (t) => {
  for (const setting of PRIVILEGED) {
    if (!hasNetAdmin()) {
      t.throws(() => BatchConn.open(setting), { code: 'EPERM' }, JSON.stringify(setting))
      continue
    }
    using conn = BatchConn.open(setting)
    t.match(conn.options, setting)
  }
})

t.test('multicastAll: false ignores groups that only other sockets joined', async (t) => {
  const group = '239.77.1.2'
  using member = BatchConn.open({ reuseAddress: true }).bind({ address: '0.0.0.0', port: 0 })
  const { port } = member.localAddress
  member.joinMulticast({ group, interface: 'lo' })
  const received = (multicastAll: boolean): number => {
    using other = BatchConn.open({ reuseAddress: true, multicastAll }).bind({ address: '0.0.0.0', port })
    using sender = BatchConn.open({ multicastInterface: 'lo', multicastTtl: 0 })
    const out = new SendBatch({ capacity: 1 })
    out.append('x', endpoint({ address: group, port }))
    sender.send(out)
    return other.recv(new RecvBatch({ capacity: 4 }))
  }
  t.strictSame([received(true), received(false)], [1, 0])
})

t.test('options can be changed on an open socket', (t) => {
  using conn = boundSocket()
  conn.options.ttl = 3
  conn.options.tos = 8
  t.equal(conn.options.ttl, 3)
  t.equal(conn.options.tos, 8)
  conn.options.bindToDevice = 'lo'
  t.equal(conn.options.bindToDevice, 'lo')
  const release = () => {
    conn.options.bindToDevice = ''
  }
  // Binding to a device requires no privilege from Linux 5.7 on; changing that does.
  if (!hasNetAdmin()) {
    t.throws(release, { code: 'EPERM' })
    t.end()
    return
  }
  release()
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
    [{ priority: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ mark: 2 ** 32 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ maxPacingRate: 0 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ maxPacingRate: 2 ** 32 - 1 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ busyPollUs: 0.5 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ incomingCpu: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
    [{ multicastAll: 1 as never }, { code: 'ERR_INVALID_ARG_TYPE' }],
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
