import { spawnSync } from 'node:child_process'
import type { Family } from '../../../src/index.js'
import { CLONE_NEWNET, close, O_CLOEXEC, O_RDONLY, open, setns } from '../../support/programs/faults-native.js'
import { HOST_A, HOST_B, type TwoHosts, twoHosts } from '../../support/two-hosts.js'

/** One of the namespaces of `scripts/netns.sh`. */
export type Host = 'A' | 'B' | 'sink'

/** Two hosts whose network can be broken and repaired, with sockets of this process in either of them. */
export interface FaultyNet {
  /** Runs `work` with this thread in a host's network namespace: a socket opened there belongs to that host. */
  within<T>(host: Host, work: () => T): T
  /** As `within`, until the promise settles. No other code may open a socket meanwhile. */
  withinAsync<T>(host: Host, work: () => Promise<T>): Promise<T>
  /** Runs a shell command in a host with `text` as its input. @throws Error with its output unless it succeeds */
  run(host: Host, command: string, text?: string): string
  /** Sets a kernel parameter of a host, as sysctl(8) does. */
  set(host: Host, parameter: string, value: number): void
  /** False if both hosts have an address of this family, otherwise the reason to skip a test. */
  lacks(family: Family): string | false
  /** Name of the namespace, for a command to be started in it. */
  name(host: Host): string
  /** A counter of a device from `/sys/class/net/…/statistics`. */
  counter(host: Host, device: string, name: string): number
  down(): void
}

/**
 * Creates the hosts, with the kernel's rate limits of ICMP messages disabled; a string is the reason why that is
 * impossible.
 */
export function faultyNet(name: string): FaultyNet | string {
  const hosts = twoHosts(name)
  if (typeof hosts === 'string') return hosts
  const net = faultyNetOver(hosts)
  for (const host of ['A', 'B'] as const) {
    for (const [parameter, value] of ICMP_LIMITS) net.set(host, parameter, value)
    if (!net.lacks('ipv6')) net.set(host, 'net.ipv6.icmp.ratelimit', 0)
  }
  return net
}

function faultyNetOver(hosts: TwoHosts): FaultyNet {
  const home = open('/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC)
  const name = (host: Host) => `${hosts.env.BATCHCONN_NETNS_PREFIX}-${host.toLowerCase()}`
  const enter = (host: Host) => {
    const fd = open(`/var/run/netns/${name(host)}`, O_RDONLY | O_CLOEXEC)
    const isEntered = fd >= 0 && setns(fd, CLONE_NEWNET) === 0
    close(fd)
    if (!isEntered) throw new Error(`cannot enter the network namespace ${name(host)}`)
  }
  const leave = () => {
    if (setns(home, CLONE_NEWNET) !== 0) throw new Error('cannot return to the network namespace of the tests')
  }
  const run = (host: Host, command: string, text = '') => {
    const args = ['netns', 'exec', name(host), 'sh', '-c', command]
    const { status, stdout, stderr } = spawnSync('ip', args, { input: text, encoding: 'utf8' })
    if (status !== 0) throw new Error(`host ${host}: ${command}: ${stderr}${stdout}`)
    return stdout
  }
  const hasIpv6 = [HOST_A, HOST_B].every(({ ipv6 }, index) =>
    run(index === 0 ? 'A' : 'B', 'ip -6 address show || true').includes(`${ipv6}/`),
  )
  return {
    run,
    name,
    set: (host, parameter, value) => {
      run(host, `echo ${value} > /proc/sys/${parameter.replaceAll('.', '/')}`)
    },
    lacks: (family) => (family === 'ipv4' || hasIpv6 ? false : 'needs IPv6'),
    within: (host, work) => {
      enter(host)
      try {
        return work()
      } finally {
        leave()
      }
    },
    withinAsync: async (host, work) => {
      enter(host)
      try {
        return await work()
      } finally {
        leave()
      }
    },
    counter: (host, device, counter) => Number(run(host, `cat /sys/class/net/${device}/statistics/${counter}`)),
    down: () => {
      close(home)
      hosts.down()
    },
  }
}

const ICMP_LIMITS = [
  ['net.ipv4.icmp_ratelimit', 0],
  ['net.ipv4.icmp_msgs_per_sec', 1_000_000],
  ['net.ipv4.icmp_msgs_burst', 100_000],
] as const

/**
 * Makes the neighbour entries of both hosts permanent, so that packets can only be lost in the device, which counts
 * them.
 */
export function pinNeighbours(net: FaultyNet, families: readonly Family[] = ['ipv4', 'ipv6']): void {
  const macA = net.run('A', `cat /sys/class/net/${HOST_A.interface}/address`).trim()
  const macB = net.run('B', `cat /sys/class/net/${HOST_B.interface}/address`).trim()
  for (const family of families.filter((each) => !net.lacks(each))) {
    net.run('A', `ip neigh replace ${HOST_B[family]} lladdr ${macB} dev ${HOST_A.interface} nud permanent`)
    net.run('B', `ip neigh replace ${HOST_A[family]} lladdr ${macA} dev ${HOST_B.interface} nud permanent`)
  }
}
