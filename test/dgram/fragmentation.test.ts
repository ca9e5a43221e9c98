import { spawnSync } from 'node:child_process'
import t from 'tap'
import dgram, { type Socket } from '../../src/dgram/index.js'
import { stateOf } from '../../src/dgram/node-socket.js'
import { BatchConn } from '../../src/index.js'
import { runChild } from '../support/child.js'
import { twoHosts } from '../support/two-hosts.js'
import { bound } from './support.js'

const hosts = twoHosts('fragments')
const hasStrace = spawnSync('strace', ['-V']).status === 0
const missing = typeof hosts === 'string' ? hosts : hasStrace ? false : 'needs strace'
t.teardown(() => {
  if (typeof hosts !== 'string') hosts.down()
})

t.test('what is longer than the MTU arrives, in its place, and is noticed once', { skip: missing }, async (t) => {
  if (typeof hosts === 'string') return
  const { BATCHCONN_NETNS_PREFIX: prefix } = hosts.env
  spawnSync('ip', ['-n', `${prefix}-a`, 'link', 'set', 'lo', 'mtu', '1500'])
  const wrapper = ['env', `BATCHCONN_NETNS_PREFIX=${prefix}`, ...hosts.command('A')]
  const traced = await runChild('long-datagrams', { wrapper: [...wrapper, 'strace', '-f', '-e', 'trace=setsockopt'] })
  t.equal(traced.code, 0, traced.stderr)
  const { arrived, codes } = JSON.parse(traced.stdout)
  t.strictSame(arrived, [100, 100, 3000, 100, 1472, 1473, 3000, 3000, 100, 100])
  t.strictSame(codes, [...Array(9).fill('sent'), 'EMSGSIZE', 'sent'])
  const modes = traced.stderr.split('\n').filter((line) => line.includes('IP_MTU_DISCOVER'))
  t.strictSame(
    modes.map((line) => /\[(\d)\]/.exec(line)?.[1]),
    ['2', '1'],
    'IP_PMTUDISC_DO, and IP_PMTUDISC_WANT from the first that is too long',
  )
})

t.test('a descriptor of somebody else’s is left as it is', async (t) => {
  const theirs = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const { port } = theirs.localAddress
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind({ fd: theirs.release() })
  await new Promise((resolve) => socket.send('x', port, '127.0.0.1', resolve))
  t.equal(modeOf(socket), 'want')
})

t.test('datagrams are kept whole from the first that is sent on, over IPv4', async (t) => {
  const idle = await bound(t)
  t.equal(modeOf(idle), 'want', 'a socket that sends nothing needs no call')
  for (const [options, mode] of [
    [{ type: 'udp4' }, 'do'],
    [{ type: 'udp4', reusePort: true }, 'do'],
    [{ type: 'udp6' }, 'want'],
  ] as const) {
    const socket = await bound(t, options)
    const { port, address } = socket.address()
    await new Promise((resolve) => socket.send('x', port, address, resolve))
    t.equal(modeOf(socket), mode, JSON.stringify(options))
  }
})

function modeOf(socket: Socket): string {
  const conn = BatchConn.adopt(stateOf(socket)?.handle?.fd ?? -1)
  const { mtuDiscover } = conn.options
  conn.release()
  return mtuDiscover
}
