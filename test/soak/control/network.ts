import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Flow } from '../plan/flow.js'

/** A network namespace that only the soak uses, so that its counters contain only the soak's packets. */
export interface NetworkCounters {
  readonly name: string
  /** Datagrams for a port without a socket, both families (`NoPorts` of /proc/net/snmp and snmp6). */
  readonly noPorts: number
  /** Datagrams dropped because a receive buffer was full (`RcvbufErrors`). */
  readonly receiveBufferErrors: number
  /** Counters that must stay 0: checksum and memory errors, failed reassemblies, packets dropped by interfaces. */
  readonly unexpected: Readonly<Record<string, number>>
  /** Incoming packets that the filter's rules dropped, by destination port. */
  readonly filterDrops: Readonly<Record<number, number>>
  /** Packets that the queue of the rough link's device dropped. */
  readonly queueDrops: number
}

/** A network namespace and the commands that reach it. */
export class Network {
  readonly name: string
  /** Its name for `ip netns`. */
  readonly namespace: string
  readonly #wrapper: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  #start: RawCounters = EMPTY

  constructor(name: string, namespace: string, wrapper: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name
    this.namespace = namespace
    this.#wrapper = wrapper
    this.#env = env
  }

  /** Runs a shell script in the namespace. Throws its error output if it fails. */
  async run(script: string): Promise<string> {
    const [program, ...rest] = [...this.#wrapper, 'sh', '-e', '-c', script]
    const { stdout } = await promisify(execFile)(program, rest, { env: this.#env, encoding: 'utf8' })
    return stdout
  }

  /** Uses the current counters as the zero point. */
  async begin(): Promise<void> {
    this.#start = parse(await this.run(READ))
  }

  async counters(): Promise<NetworkCounters> {
    const now = parse(await this.run(READ))
    const since = (name: string) => (now.values[name] ?? 0) - (this.#start.values[name] ?? 0)
    const both = (name: string) => since(`Udp${name}`) + since(`Udp6${name}`)
    const names = UNEXPECTED.filter((name) => since(name) !== 0)
    const interfaces = Object.keys(now.values).filter((name) => / dropped$/.test(name) && since(name) !== 0)
    return {
      name: this.name,
      noPorts: both('NoPorts'),
      receiveBufferErrors: both('RcvbufErrors'),
      unexpected: Object.fromEntries([...names, ...interfaces].map((name) => [name, since(name)])),
      filterDrops: now.filterDrops,
      queueDrops: now.queueDrops,
    }
  }

  /**
   * Disables the rate limit of ICMP errors for closed ports. Adds rules that drop 1 in 10 packets of the flows that the
   * filter may drop, and that reject 1 in 3 outgoing packets where sending may fail with EPERM.
   */
  async prepare(flows: readonly Flow[]): Promise<void> {
    await this.run(`
      sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
      sysctl -qw net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=1000000 2>/dev/null || true`)
    const drop = (port: number, oneIn: number) => `udp dport ${port} numgen random mod ${oneIn} 0 counter drop`
    const input = flows.filter(({ loss, to }) => loss === 'nft' && to.network === this.name)
    const output = flows.filter(({ from }) => from.send?.mayFail.includes('EPERM') && from.network === this.name)
    await this.run(`nft -f - <<'RULES'
table inet soak {
  chain input {
    type filter hook input priority 0
    ${input.map(({ to }) => drop(to.port, 10)).join('\n    ')}
  }
  chain output {
    type filter hook output priority 0
    ${output.map(({ to }) => drop(to.port, 3)).join('\n    ')}
  }
}
RULES`)
  }
}

interface RawCounters {
  readonly values: Readonly<Record<string, number>>
  readonly filterDrops: Readonly<Record<number, number>>
  readonly queueDrops: number
}

function parse(text: string): RawCounters {
  const [statistics, interfaces, queues, filter] = text.split(SEPARATOR).map((part) => JSON.parse(part))
  const dropped = (interfaces as InterfaceJson[]).map(({ ifname, stats64: { rx, tx } }) => [
    `${ifname} dropped`,
    rx.dropped + tx.dropped,
  ])
  return {
    values: { ...(statistics as { kernel: Record<string, number> }).kernel, ...Object.fromEntries(dropped) },
    queueDrops: (queues as QueueJson[]).reduce((sum, { kind, drops }) => (kind === 'tbf' ? sum + drops : sum), 0),
    filterDrops: inputDrops((filter as { nftables: RuleJson[] }).nftables),
  }
}

/** The rules of the chain `input` look like `udp dport PORT numgen ... counter packets N ... drop`. */
function inputDrops(items: readonly RuleJson[]): Record<number, number> {
  const rules = items.flatMap(({ rule }) => (rule?.chain === 'input' ? [rule.expr] : []))
  return Object.fromEntries(
    rules.map((parts) => {
      const port = parts.find(({ match }) => match !== undefined)?.match?.right
      const counter = parts.find(({ counter }) => counter !== undefined)?.counter
      return [port, counter?.packets ?? 0]
    }),
  )
}

interface InterfaceJson {
  readonly ifname: string
  readonly stats64: { readonly rx: { readonly dropped: number }; readonly tx: { readonly dropped: number } }
}

interface QueueJson {
  readonly kind: string
  readonly drops: number
}

interface RuleJson {
  readonly rule?: {
    readonly chain: string
    readonly expr: readonly {
      readonly match?: { readonly right: number }
      readonly counter?: { readonly packets: number }
    }[]
  }
}

const SEPARATOR = '----'

const READ = ['nstat -aszj', 'ip -s -j link', 'tc -s -j qdisc', 'nft -j list ruleset'].join(`; echo ${SEPARATOR}; `)

const EMPTY: RawCounters = { values: {}, filterDrops: {}, queueDrops: 0 }

const UNEXPECTED = [
  ...['UdpInCsumErrors', 'Udp6InCsumErrors', 'UdpMemErrors', 'Udp6MemErrors'],
  ...['IpReasmFails', 'Ip6ReasmFails', 'IpFragFails', 'IpInDiscards', 'Ip6InDiscards'],
]
