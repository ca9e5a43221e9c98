import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from '../../../src/index.js'
import { compiledPackage } from '../../support/compiled.js'
import { type TwoHosts, twoHosts } from '../../support/two-hosts.js'
import { hostSockets, roughLinkSockets } from '../plan/hosts.js'
import { loopbackSockets, withoutGsoSockets } from '../plan/loopback.js'
import { flowsBetween, type PlannedSocket, type Site, specify } from '../plan/sockets.js'
import { INJECT_VARIABLE } from '../traffic/injected-faults.js'
import { Network } from './network.js'
import type { SoakOptions } from './options.js'
import { RoughLink } from './rough-link.js'
import { SoakRun } from './soak-run.js'
import { TrafficLink } from './traffic-link.js'

/** Everything that a soak requires before its sockets are opened. */
export interface Setup {
  readonly run: SoakRun
  readonly roughLink: RoughLink | undefined
  /** Parts that are left out on this machine, with the reasons. */
  readonly notes: readonly string[]
  /** Ends the processes and removes the namespaces. */
  remove(): Promise<void>
}

/** Creates the network namespaces, if this machine permits it, and starts the processes with traffic. */
export async function setUp(options: SoakOptions): Promise<Setup> {
  // Processes with traffic must not load a compiler, because that would count as their memory.
  const programs = join(compiledPackage(), 'test', 'soak', 'traffic')
  const families = options.families.filter((family) => family === 'ipv4' || hasIpv6())
  const found = await openNamespaces(options)
  const namespaces = typeof found === 'string' ? undefined : found
  const links: TrafficLink[] = []
  const remove = async () => {
    await Promise.all(links.map((link) => link.end()))
    namespaces?.down()
  }
  try {
    const sockets = specify(plan(families, namespaces !== undefined), firstPort())
    const flows = flowsBetween(sockets)
    const networks = namespaces?.networks ?? []
    for (const network of networks) await network.prepare(flows)
    for (const name of new Set(sockets.map(({ process }) => process))) {
      const wrapper = namespaces?.hosts.command(HOST_OF[name]) ?? []
      const env: NodeJS.ProcessEnv = { ...process.env, ...namespaces?.hosts.env, ...ENVIRONMENT[name] }
      if (name === 'loopback') env[INJECT_VARIABLE] = options.inject.join()
      links.push(new TrafficLink({ name, programs, wrapper, env }))
    }
    const run = new SoakRun(sockets, flows, networks, links, options.seed)
    return { run, roughLink: namespaces?.roughLink, notes: notesOf(found, families, options.families), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/**
 * With namespaces, the processes with loopback traffic run in namespaces too, so that the counters contain only the
 * soak's packets.
 */
function plan(families: readonly Family[], hasHosts: boolean): (Site & PlannedSocket)[] {
  const loopback = families.flatMap((family) => {
    const site = { family, address: family === 'ipv4' ? '127.0.0.1' : '::1' }
    return [
      ...loopbackSockets({ ...site, process: 'loopback', network: hasHosts ? 'A' : 'machine' }),
      ...withoutGsoSockets({ ...site, process: 'no GSO', network: hasHosts ? 'B' : 'machine' }),
    ]
  })
  return hasHosts
    ? [...loopback, ...families.flatMap(hostSockets), ...(families.includes('ipv4') ? roughLinkSockets() : [])]
    : loopback
}

interface Namespaces {
  readonly hosts: TwoHosts
  readonly networks: readonly Network[]
  readonly roughLink: RoughLink
  down(): void
}

/** Two hosts with both their links; a string is the reason why this machine has none. */
async function openNamespaces(options: SoakOptions): Promise<Namespaces | string> {
  if (!options.namespaces) return '--no-namespaces'
  for (const tool of ['nft', 'tc', 'nstat']) {
    if (spawnSync(tool, ['-V']).error !== undefined) return `the command ${tool} is missing`
  }
  const hosts = twoHosts('soak')
  if (typeof hosts === 'string') return hosts
  const down = onceAlsoAtExit(() => hosts.down())
  try {
    const [a, b] = (['A', 'B'] as const).map((name) => {
      const namespace = `${hosts.env.BATCHCONN_NETNS_PREFIX}-${name.toLowerCase()}`
      return new Network(name, namespace, hosts.command(name), hosts.env)
    })
    const roughLink = new RoughLink(a, b)
    await roughLink.create()
    await a.run('nft list ruleset')
    return { hosts, networks: [a, b], roughLink, down }
  } catch (error) {
    down()
    return (error as Error).message.trim().replaceAll('\n', '; ')
  }
}

function notesOf(found: Namespaces | string, families: readonly Family[], requested: readonly Family[]): string[] {
  const notes: string[] = []
  if (typeof found === 'string') notes.push(`no traffic between network namespaces, and no faults of links: ${found}`)
  if (families.length < requested.length) notes.push('no IPv6: the loopback interface has no address ::1')
  return notes
}

function hasIpv6(): boolean {
  try {
    return / lo$/m.test(readFileSync('/proc/net/if_inet6', 'utf8'))
  } catch {
    return false
  }
}

/** Below the range from which the kernel chooses (ip_local_port_range), so that a closed port stays free. */
function firstPort(): number {
  return 20_000 + (process.pid % 100) * 100
}

function onceAlsoAtExit(act: () => void): () => void {
  const once = () => {
    process.removeListener('exit', once)
    act()
  }
  process.once('exit', once)
  return once
}

const HOST_OF: Readonly<Record<string, 'A' | 'B'>> = { loopback: 'A', 'no GSO': 'B', 'host A': 'A', 'host B': 'B' }
const ENVIRONMENT: Readonly<Record<string, NodeJS.ProcessEnv>> = { 'no GSO': { BATCHCONN_NO_GSO: '1' } }
