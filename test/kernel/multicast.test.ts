import t from 'tap'
import { BatchConn, endpoint, type Family, SendBatch } from '../../src/index.js'
import { drain } from '../support/sockets.js'
import { HOST_A, twoHosts } from '../support/two-hosts.js'

// Loopback has no IPv6 multicast route, and loops every datagram back whatever IP_MULTICAST_LOOP is. Therefore the file
// runs itself once more in a host with a real interface.

const onVeth = process.env.BATCHCONN_TEST_INTERFACE
const device = onVeth ?? 'lo'
const families: Family[] = onVeth === undefined ? ['ipv4'] : ['ipv4', 'ipv6']
const GROUPS = { ipv4: '239.255.77.1', ipv6: 'ff02::4d01' } as const
const ANY = { ipv4: '0.0.0.0', ipv6: '::' } as const

function say(sender: BatchConn, text: string, receiver: BatchConn): void {
  const group = sender.family === 'ipv4' ? GROUPS.ipv4 : `${GROUPS.ipv6}%${device}`
  const out = new SendBatch()
  out.append(text, endpoint({ address: group, port: receiver.localAddress.port }))
  sender.send(out)
}

for (const family of families) {
  t.test(`${family} on ${device}: a member receives from the group, but not before joining and after leaving`, (t) => {
    using receiver = BatchConn.open({ family }).bind({ address: ANY[family], port: 0 })
    using sender = BatchConn.open({ family, multicastInterface: device })
    const membership = { group: GROUPS[family], interface: device }
    say(sender, 'too early', receiver)
    t.equal(receiver.joinMulticast(membership), receiver, 'chainable')
    say(sender, 'in between', receiver)
    receiver.leaveMulticast(membership)
    say(sender, 'too late', receiver)
    t.strictSame(
      drain(receiver).map(({ text }) => text),
      ['in between'],
    )
    t.end()
  })

  if (onVeth !== undefined) {
    t.test(`${family} on ${device}: without multicastLoop this host receives no copy`, (t) => {
      using receiver = BatchConn.open({ family }).bind({ address: ANY[family], port: 0 })
      receiver.joinMulticast({ group: GROUPS[family], interface: device })
      using sender = BatchConn.open({ family, multicastInterface: device, multicastLoop: false })
      say(sender, 'unheard', receiver)
      sender.options.multicastLoop = true
      say(sender, 'heard', receiver)
      t.strictSame(
        drain(receiver).map(({ text }) => text),
        ['heard'],
      )
      t.end()
    })
  }
}

if (onVeth === undefined) {
  t.test('source-specific membership: receives from one sender and not from another', (t) => {
    using receiver = BatchConn.open().bind({ address: '0.0.0.0', port: 0 })
    const membership = { group: '232.1.1.1', interface: '127.0.0.1', source: '127.0.0.5' }
    receiver.joinMulticast(membership)
    const destination = endpoint({ address: '232.1.1.1', port: receiver.localAddress.port })
    for (const address of ['127.0.0.4', '127.0.0.5']) {
      using sender = BatchConn.open({ multicastInterface: 'lo' }).bind({ address, port: 0 })
      const out = new SendBatch()
      out.append(address, destination)
      sender.send(out)
    }
    t.strictSame(
      drain(receiver).map(({ text }) => text),
      ['127.0.0.5'],
    )
    receiver.leaveMulticast(membership)
    t.end()
  })

  t.test('misuse and errors of the kernel', (t) => {
    using conn = BatchConn.open()
    const lo = { group: '239.0.0.1', interface: 'lo' }
    t.throws(() => conn.joinMulticast({ group: '::1' }), { code: 'ERR_ADDRESS_FAMILY' })
    t.throws(() => conn.joinMulticast({ group: '239.0.0.1', interface: 'no-such' }), { code: 'ENODEV' })
    t.throws(() => conn.joinMulticast({ group: '10.0.0.1', interface: 'lo' }), {
      code: 'EINVAL',
      syscall: 'setsockopt',
    })
    t.throws(() => conn.joinMulticast({ gruop: '239.0.0.1' } as never), { code: 'ERR_UNKNOWN_OPTION' })
    t.throws(() => conn.leaveMulticast(lo), { code: 'EADDRNOTAVAIL' }, 'not joined')
    conn.joinMulticast(lo)
    t.throws(() => conn.joinMulticast(lo), { code: 'EADDRINUSE' }, 'joined twice')
    t.end()
  })

  const hosts = twoHosts('mc')
  if (typeof hosts === 'string') {
    t.test('the same tests on a real interface', { skip: hosts }, (t) => t.end())
  } else {
    t.teardown(() => hosts.down())
    const [command, ...args] = [...hosts.command('A'), process.execPath, ...process.execArgv, __filename]
    t.spawn(command, args, { env: { ...hosts.env, BATCHCONN_TEST_INTERFACE: HOST_A.interface } })
  }
}
