import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { probe } from '../../src/index.js'
import { HOST_A, twoHosts } from '../support/two-hosts.js'

t.test('probe tries every feature, and returns availability and reason', (t) => {
  const { features, kernel, architecture, maxSegments } = probe()
  t.equal(architecture, process.arch)
  t.match(kernel, /^\d+\.\d+/)
  t.equal(Object.keys(features).length, 19)
  for (const [name, { available, reason }] of Object.entries(features)) {
    t.type(available, 'boolean', name)
    t.ok(reason.length > 5, `${name}: ${reason}`)
  }
  t.match(features, {
    ipv4: { available: true },
    sendmmsg: { available: true, reason: /one call took 64/ },
    recvmmsg: { available: true, reason: /one call took 64/ },
    tos: { available: true },
    kernelDrops: { available: true },
    errorQueue: { available: true, reason: /ECONNREFUSED/ },
    zeroCopy: { available: true, reason: /MSG_ZEROCOPY was completed/ },
  })
  t.equal(maxSegments, features.gso128.available ? 128 : features.gso.available ? 64 : 0)
  t.end()
})

t.test('probe reports a feature that is switched off as unavailable, with the reason', (t) => {
  t.teardown(() => {
    delete process.env.BATCHCONN_NO_GSO
    delete process.env.BATCHCONN_NO_GRO
  })
  process.env.BATCHCONN_NO_GSO = '1'
  process.env.BATCHCONN_NO_GRO = '1'
  const { features, maxSegments } = probe()
  t.match(features.gso, { available: false, reason: /BATCHCONN_NO_GSO/ })
  t.match(features.gro, { available: false, reason: /BATCHCONN_NO_GRO/ })
  t.equal(maxSegments, 0)
  t.end()
})

t.test('invalid arguments are rejected', (t) => {
  t.throws(() => probe({ interface: 'no-such' }), { code: 'ERR_OUT_OF_RANGE', message: /lo.*'no-such'/ })
  t.throws(() => probe({ iface: 'lo' } as never), { code: 'ERR_UNKNOWN_OPTION' })
  t.end()
})

const hosts = twoHosts('pr')
t.test('probe sends over a given interface', { skip: typeof hosts === 'string' ? hosts : false }, async (t) => {
  if (typeof hosts === 'string') return
  t.teardown(() => hosts.down())
  const [command, ...args] = hosts.command('A')
  const program = join(__dirname, '../support/programs/probe-interface.ts')
  const { stdout } = spawnSync(command, [...args, process.execPath, ...process.execArgv, program, HOST_A.interface], {
    env: hosts.env,
    encoding: 'utf8',
  })
  t.match(JSON.parse(stdout), {
    name: HOST_A.interface,
    ipv4: { available: true, reason: 'a GSO send was accepted on veth-a' },
    ipv6: { available: true, reason: 'a GSO send was accepted on veth-a' },
  })
})
