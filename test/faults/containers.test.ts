import { join } from 'node:path'
import t from 'tap'
import { childJson, runChild } from '../support/child.js'
import { compiledPackage } from '../support/compiled.js'
import { checkExchange, missing } from './support/exchange.js'

// Restrictions of containers: no /proc, no IPv6, and under Node's permission model no other files and no addons.

const isRoot = process.getuid?.() === 0
const noUnshare = (isRoot ? false : 'needs root') || missing('unshare', '-m', '-n', 'true')

/** Runs the command that follows in its own namespaces, after `setUp`. */
const isolated = (flag: '-m' | '-n', setUp: string) => ['unshare', flag, 'sh', '-c', `${setUp} && exec "$@"`, 'sh']

for (const where of ['main', 'worker']) {
  t.test(`without /proc, in the ${where} thread: everything is sent and arrives`, { skip: noUnshare }, async (t) => {
    const wrapper = isolated('-m', 'mount -t tmpfs none /proc')
    checkExchange(t, await runChild('faults-exchange', { args: ['ipv4', where], wrapper }))
  })
}

const noIpv6 = isolated('-n', 'ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6')

t.test('without IPv6: IPv4 sockets are not affected, and probe reports it', { skip: noUnshare }, async (t) => {
  const works = await childJson('faults-what-works', { wrapper: noIpv6 })
  t.match(works, { ipv4: { open: 'works', bind: 'works' }, ipv6: { bind: /^EADDRNOTAVAIL/ }, probe: 'true,false,true' })
  checkExchange(t, await runChild('faults-exchange', { args: ['ipv4', 'worker'], wrapper: noIpv6 }))
})

const nodeMajor = Number.parseInt(process.versions.node, 10)
const modules = join(__dirname, '../../node_modules')
/** The program's folder, and Koffi with its binary. */
const readable = () => [compiledPackage(), join(modules, 'koffi'), join(modules, '@koromix')]

function permissions(...more: string[]): string[] {
  const model = nodeMajor < 22 ? '--experimental-permission' : '--permission'
  // Node 25 and newer restrict their own sockets as well.
  const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []
  return [model, '--no-warnings', ...net, ...readable().map((folder) => `--allow-fs-read=${folder}`), ...more]
}

for (const where of ['main', 'worker']) {
  t.test(`under the permission model, in the ${where} thread: everything is sent and arrives`, async (t) => {
    const flags = permissions('--allow-addons', '--allow-worker')
    checkExchange(t, await runChild('faults-exchange', { args: ['ipv4', where], flags }))
  })
}

t.test('under the permission model without --allow-addons: the error names the flag', async (t) => {
  const works = await childJson<Record<'ipv4' | 'ipv6', { open: string }>>('faults-what-works', {
    flags: permissions(),
  })
  for (const { open } of [works.ipv4, works.ipv6]) {
    t.match(open, /^ERR_FEATURE_UNAVAILABLE_ON_PLATFORM/)
    t.match(open, /--allow-addons/)
    t.notMatch(open, /optional/, 'Koffi is installed, so the error must not suggest to install it')
  }
})
