import { readFileSync } from 'node:fs'
import t from 'tap'
import { describeMachine } from '../../../bench/report/document.js'
import {
  interfaceDelta,
  interfaceTowards,
  parseCounters,
  readInterfaceCounters,
  resolveHost,
} from '../../../bench/traffic/network.js'
import { endpoint } from '../../../src/index.js'

t.test('a line of /proc/net/dev', async (t) => {
  const line =
    '  eth0: 1001 1002    3 1004    5     6          7         8     2001 2002    3 2004    5     6       7          8'
  const counters = { rxBytes: 1001, rxPackets: 1002, rxDropped: 1004, txBytes: 2001, txPackets: 2002, txDropped: 2004 }
  t.same(parseCounters(line), counters)
  t.same(parseCounters(line.replace(': ', ':')), counters, 'large numbers leave no space after the name')
})

t.test('the counters of lo, and of what is not there', async (t) => {
  const before = readInterfaceCounters('lo')
  t.match(readFileSync('/proc/net/dev', 'utf8'), /lo:/)
  t.ok(Object.values(before).every(Number.isSafeInteger))
  t.throws(() => readInterfaceCounters('no-such-0'), { name: 'Failure', message: /no-such-0 does not exist/ })
  t.throws(() => readInterfaceCounters('l'), { name: 'Failure' }, 'half a name is none')
  const after = { ...before, txPackets: before.txPackets + 3, rxDropped: before.rxDropped + 1 }
  t.match(interfaceDelta('lo', before, after), { name: 'lo', txPackets: 3, txBytes: 0, rxDropped: 1 })
})

t.test('what goes to this host goes through lo', async (t) => {
  for (const address of ['127.0.0.1', '127.8.9.10']) {
    t.equal(interfaceTowards(endpoint({ address, port: 9 }))?.name, 'lo', address)
  }
})

t.test('hosts: numeric ones as they are, names resolved, no name a failure', async (t) => {
  t.match(await resolveHost({ host: '::1', port: 7 }), { address: '::1', port: 7, family: 'ipv6' })
  t.match(await resolveHost({ host: 'localhost', port: 7 }, 4), { address: '127.0.0.1', port: 7 })
  await t.rejects(resolveHost({ host: 'no-such-host.invalid', port: 7 }), {
    name: 'Failure',
    message: /^the host 'no-such-host.invalid' cannot be resolved/,
  })
})

t.test('the machine', async (t) => {
  const { kernel, cpu, cores, node, koffi } = describeMachine()
  t.equal(node, process.versions.node)
  t.ok(cores > 0)
  for (const text of [kernel, cpu, koffi]) t.match(text, /\S/)
})
