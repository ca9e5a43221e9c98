import t from 'tap'
import { FEATURES } from '../../src/probe/features.js'
import { type BenchDocument, bench } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

const NAMES = Object.keys(FEATURES)

t.test('a table with one line per feature', async (t) => {
  const { status, stdout, stderr } = await bench('probe', '')
  t.equal(status, 0)
  t.equal(stderr, '')
  for (const name of NAMES) t.match(stdout, new RegExp(`^${name} +(yes|no ) {3}.+$`, 'm'), name)
  t.match(stdout, /^sendmmsg +yes {3}one call took 64 messages/m)
  t.match(stdout, /^(no GSO|a GSO send may have (64|128) datagrams)$/m)
  t.notMatch(stdout, /over lo/)
})

t.test('one JSON document', async (t) => {
  const { status, stdout } = await bench('probe', '--json')
  t.equal(status, 0)
  const document = JSON.parse(stdout) as BenchDocument & { features: object }
  t.match(document, { schemaVersion: 2, command: 'probe', config: { interface: null }, interface: null })
  t.match(document.machine, { node: process.versions.node, koffi: String })
  t.strictSame(Object.keys(document.features), NAMES)
  t.match(document, { features: { ipv4: { available: true, reason: String } }, maxSegments: Number })
})

t.test('over an interface', async (t) => {
  const table = await bench('probe', '--interface lo')
  for (const version of [4, 6]) t.match(table.stdout, new RegExp(`^GSO over lo, IPv${version} +(yes|no ) {3}.+$`, 'm'))
  const { interface: over, config } = JSON.parse((await bench('probe', '--interface lo -J')).stdout)
  t.match(over, { name: 'lo', ipv4: { available: Boolean, reason: String }, ipv6: { available: Boolean } })
  t.match(config, { interface: 'lo' })
})

t.test('--help', async (t) => {
  const { status, stdout } = await bench('probe', '--help')
  t.equal(status, 0)
  for (const text of ['--interface ', '--json ', 'Examples:']) t.match(stdout, text)
})
