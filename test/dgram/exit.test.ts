import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { runChild } from '../support/child.js'
import { HOST_A, HOST_B, twoHosts } from '../support/two-hosts.js'
import { until } from './support.js'

// Messages that a process sends in its last moments.

const MOMENTS = ['exit-handler', 'natural-end', 'uncaught', 'monitor', 'uncaught-handler', 'sigterm', 'rejection']

t.test('messages sent while the process ends are delivered, however it ends', async (t) => {
  const receiver = createSocket('udp4')
  t.teardown(() => receiver.close())
  const heard: string[] = []
  receiver.on('message', (bytes) => heard.push(bytes.toString()))
  receiver.bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  const ways = ['connected', 'bound'].flatMap((kind) => MOMENTS.map((moment) => `${kind} ${moment}`))
  for (const way of ways) {
    await runChild('exit-sends', { args: [way, String(receiver.address().port)] })
    await until(() => heard.length > 0)
    t.strictSame(heard.splice(0), [way])
  }
  // node:dgram sends at once on a connected socket, the drop-in at the end of the tick (docs/dgram.md).
  const { signal } = await runChild('exit-sends', { args: ['connected sigkill', String(receiver.address().port)] })
  t.equal(signal, 'SIGKILL')
  const sender = createSocket('udp4')
  sender.send('after it', receiver.address().port, '127.0.0.1', () => sender.close())
  await until(() => heard.length > 0)
  t.strictSame(heard, ['after it'], 'SIGKILL in the same tick is the exception')
})

const hosts = twoHosts('unref')
const skip = typeof hosts === 'string' && hosts

t.test(
  'an unref’d socket whose send buffer is full: the process ends after everything was sent',
  { skip },
  async (t) => {
    if (typeof hosts === 'string') return
    t.teardown(() => hosts.down())
    const inA = hosts.command('A')
    const slow = [
      'tc',
      'qdisc',
      'add',
      'dev',
      HOST_A.interface,
      ...'root tbf rate 20mbit burst 20kb limit 20mb'.split(' '),
    ]
    const [file, ...args] = [...inA, ...slow]
    const { status, stderr } = spawnSync(file, args, { env: hosts.env, encoding: 'utf8' })
    t.equal(status, 0, stderr)
    const wrapper = ['env', `BATCHCONN_NETNS_PREFIX=${hosts.env.BATCHCONN_NETNS_PREFIX}`, ...inA]
    const end = await runChild('unref-blocked', { wrapper, args: [HOST_B.ipv4] })
    t.equal(end.stdout, '400 of 400\n', end.stderr)
  },
)
