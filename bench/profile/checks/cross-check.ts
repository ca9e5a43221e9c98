import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, sum } from 'simple-statistics'
import { temporaryFolder } from '../../children/temporary.js'
import { isClean, type Series } from '../../engine/rounds.js'
import type { Sample } from '../../engine/sample.js'
import type { WorkerPool } from '../../engine/worker-pool.js'
import { percent } from '../../report/format.js'
import { type Breakdown, breakdownName, type ComponentName, shareOf, USER_COMPONENTS } from '../analysis/breakdown.js'
import { callId, type ProfileCase, type Subject, type Work } from '../cases/cases.js'

/** A comparison of a figure with an independent source. */
export interface CrossCheck {
  readonly name: string
  /** The source: `strace -c`, `perf record`, `getrusage`, `clock_gettime`. */
  readonly by: string
  readonly verdict: 'agrees' | 'disagrees' | 'unavailable'
  /** The numbers of both sides, or why there are none. */
  readonly text: string
  /** Shares by group, for `perf`. */
  readonly shares?: Readonly<Record<string, number>>
}

type Finding = Omit<CrossCheck, 'name' | 'by'>

/** Compares the breakdowns of sends with independent sources, as long as `hasTime` returns true. */
export async function* crossCheck(
  series: readonly Series<Work>[],
  breakdowns: readonly Breakdown[],
  subject: Subject,
  pool: WorkerPool<Work>,
  hasTime: () => boolean,
): AsyncGenerator<CrossCheck> {
  for (const breakdown of breakdowns) {
    const { mode, connected } = breakdown
    const [first] = series.filter(({ case: one }) => one.id === callId(breakdown, 'library', subject))
    if (!mode.startsWith('send') || first === undefined || first.samples.length === 0) continue
    const name = breakdownName(breakdown)
    const check = (what: string, by: string, finding: Finding) => ({ name: `${what} of ${name}`, by, ...finding })
    if (!hasTime()) {
      yield check('the time', 'getrusage, strace, perf', unavailable('the budget was used up'))
      continue
    }
    const operations = Math.max(...first.samples.map((sample) => sample.operations))
    const long: Sample[] = []
    while (long.length < LONG_SAMPLES) long.push(await pool.sample(first.case, operations * LONG_FACTOR, operations))
    yield check('user and system time', 'getrusage', compareUsage(long, breakdown))
    if (connected) continue
    yield check('system calls', 'strace -c', await countSystemCalls(first.case, breakdown, pool))
    yield check('kernel functions', 'perf record', await sampleSymbols(first.case, pool, operations, breakdown))
  }
  const clean = series.flatMap(({ samples }) => samples.filter(isClean))
  if (clean.length === 0) return
  const share = median(clean.map((sample) => sample.wallNanoseconds / sample.runningNanoseconds)) - 1
  const text = `samples without interruption took ${percent(share)} longer by the wall clock than their thread was running`
  yield { name: 'wall clock and thread clock', by: 'clock_gettime', ...agreement(Math.abs(share) < TOLERANCE, text) }
}

/**
 * Compares the kernel's share of the time, as getrusage(2) reports it, with the breakdown's.
 *
 * @param samples - long ones: in a sample shorter than a clock tick the split is extrapolated from the process's past
 */
function compareUsage(samples: readonly Sample[], breakdown: Breakdown): Finding {
  const user = sum(samples.map((one) => one.userMicroseconds))
  const system = sum(samples.map((one) => one.systemMicroseconds))
  if (user + system === 0) return unavailable('the kernel reported no processor time')
  const share = system / (user + system)
  const expected = 1 - shareOf(breakdown, USER_COMPONENTS)
  // The kernel attributes each clock tick to where it finds the process: a binomial sample.
  const ticks = (user + system) / TICK_MICROSECONDS
  const uncertainty = 2 * Math.sqrt((expected * (1 - expected)) / Math.max(1, ticks)) + TOLERANCE
  const text =
    `getrusage reports ${percent(share)} of the time in the kernel, the cost breakdown ${percent(expected)}; ` +
    `the kernel counts clock ticks, so ±${percent(uncertainty)}`
  return agreement(Math.abs(share - expected) <= uncertainty, text)
}

/** Counts the system calls of some operations with strace. */
async function countSystemCalls(
  one: ProfileCase,
  { batch, mode }: Breakdown,
  pool: WorkerPool<Work>,
): Promise<Finding> {
  if (spawnSync('strace', ['-V']).status !== 0) return unavailable('this host has no strace')
  using folder = temporaryFolder('strace')
  const output = join(folder.path, 'counts')
  try {
    const tool = ['strace', '-f', '-c', '-e', 'trace=sendmsg,sendmmsg,sendto', '-o', output]
    await pool.sampleUnder(tool, one, OPERATIONS)
  } catch (error) {
    return unavailable((error as Error).message)
  }
  const found = parseCounts(readFileSync(output, 'utf8')).get(mode) ?? 0
  const sends = `${OPERATIONS} sends of ${batch} (${OPERATIONS * batch} messages)`
  return agreement(found === OPERATIONS, `${sends} made ${found} ${mode} calls; ${OPERATIONS} are expected`)
}

/** Parses the table of `strace -c`: the number of calls by name. */
export function parseCounts(table: string): Map<string, number> {
  const rows = [...table.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$/gm)]
  return new Map(rows.filter(([, , name]) => name !== 'total').map(([, count, name]) => [name, Number(count)]))
}

/** Samples a worker's stack pointer with perf, and compares the shares of kernel functions with the breakdown. */
async function sampleSymbols(
  one: ProfileCase,
  pool: WorkerPool<Work>,
  operations: number,
  breakdown: Breakdown,
): Promise<Finding> {
  if (spawnSync('perf', ['--version']).status !== 0) return unavailable('this host has no perf')
  using folder = temporaryFolder('perf')
  const data = join(folder.path, 'data')
  const pid = String(await pool.pidOf(one))
  const words = ['record', '-q', '-e', 'cpu-clock', '-F', '4000', '-o', data, '-p', pid]
  const perf = spawn('perf', words, { stdio: 'ignore' })
  const gone = once(perf, 'exit')
  try {
    await sleep(START_MS)
    for (const end = performance.now() + SAMPLE_MS; performance.now() < end; ) await pool.sample(one, operations, 0)
  } finally {
    perf.kill('SIGINT')
    await gone
  }
  const report = spawnSync('perf', ['report', '-i', data, '--stdio', '-q', '--sort', 'dso,symbol'], {
    encoding: 'utf8',
  })
  if (report.status !== 0) return unavailable(`perf failed: ${report.stderr.trim().split('\n', 1)[0]}`)
  const symbols = parseSymbols(report.stdout)
  return symbols.length === 0 ? unavailable('perf took no sample') : judge(symbols, breakdown)
}

type SymbolShare = Readonly<{ share: number; symbol: string; group: SymbolGroup }>

/** Parses the output of `perf report`, which has the largest shares first. */
export function parseSymbols(report: string): SymbolShare[] {
  return [...report.matchAll(/^\s*([\d.]+)%\s+.*?\[([.k])\]\s+(\S+)/gm)].map(([, percentage, space, symbol]) => {
    return { share: Number(percentage) / 100, symbol, group: space === 'k' ? groupOfSymbol(symbol) : 'user' }
  })
}

export function sharesByGroup(symbols: readonly SymbolShare[]): Record<SymbolGroup, number> {
  const shares = { user: 0, entry: 0, import: 0, route: 0, device: 0, copy: 0, tracing: 0, unknown: 0 }
  for (const { group, share } of symbols) shares[group] += share
  return shares
}

/** Compares the parts of the kernel's time. The worker's measuring is outside the kernel, and tracing no part of sending. */
function judge(symbols: readonly SymbolShare[], breakdown: Breakdown): Finding {
  const shares = sharesByGroup(symbols)
  const part = (group: SymbolGroup) => shares[group] / (sum(Object.values(shares)) - shares.user - shares.tracing)
  const inKernel = 1 - shareOf(breakdown, USER_COMPONENTS)
  const pairs = COMPARED.map(([group, ...components]) => {
    const expected = shareOf(breakdown, components) / inKernel
    return { group, expected, isFar: Math.abs(part(group) - expected) > SYMBOL_TOLERANCE + part('unknown') }
  })
  const list = pairs.map(({ group, expected }) => `${group} ${percent(part(group))} (breakdown ${percent(expected)})`)
  const others = symbols.filter(({ group }) => group === 'unknown').slice(0, LARGEST)
  const far = pairs.filter(({ isFar }) => isFar).map(({ group }) => group)
  const texts = [
    `shares of the samples in the kernel, by symbol: ${list.join(', ')}, not attributed ${percent(part('unknown'))} ` +
      `(${others.map(({ symbol }) => symbol).join(', ')})`,
    ...(shares.tracing < WORTH_MENTIONING
      ? []
      : [
          `${percent(shares.tracing)} of all samples are in programs attached to kernel functions (BPF) and in what they ` +
            'call. They are not part of sending, and are included in the components of the functions that they are attached to',
        ]),
    ...(far.length === 0 ? [] : [`different: ${far.join(', ')}`]),
  ]
  return { ...agreement(far.length === 0, texts.join('; ')), shares }
}

function agreement(agrees: boolean, text: string): Finding {
  return { verdict: agrees ? 'agrees' : 'disagrees', text }
}

function unavailable(text: string): Finding {
  return { verdict: 'unavailable', text }
}

const LONG_SAMPLES = 4
/** How much longer than an ordinary sample. */
const LONG_FACTOR = 60
const TICK_MICROSECONDS = 4000
const TOLERANCE = 0.02
/** The groups of kernel functions, and the components that they belong to. */
const COMPARED: readonly (readonly [SymbolGroup, ...ComponentName[]])[] = [
  ['entry', 'entry'],
  ['import', 'import'],
  ['route', 'route'],
  ['device', 'device', 'payload'],
  ['copy', 'copy'],
]
const OPERATIONS = 1000
const LARGEST = 4
const WORTH_MENTIONING = 0.02
const START_MS = 400
const SAMPLE_MS = 1500
/** A function's name only indicates what it is for. */
const SYMBOL_TOLERANCE = 0.1

/** The components of a send that a kernel function can belong to; `user` is everything outside the kernel. */
type SymbolGroup = 'user' | 'entry' | 'import' | 'route' | 'device' | 'copy' | 'tracing' | 'unknown'

/**
 * Returns the component that a kernel function belongs to, by its name. Functions that match no pattern are `unknown`: names
 * differ between kernels, and helpers serve several components. `tracing` is not part of sending: programs attached to
 * kernel functions (BPF), whose cost is included in the components of those functions.
 */
export function groupOfSymbol(symbol: string): Exclude<SymbolGroup, 'user'> {
  const found = GROUPS.find(([, ...patterns]) => new RegExp(patterns.join('|')).test(symbol))
  return found === undefined ? 'unknown' : found[0]
}

/** The first group with a pattern that matches is that of a function. */
const GROUPS: readonly (readonly [Exclude<SymbolGroup, 'user'>, ...patterns: string[]])[] = [
  [
    'tracing',
    'bpf|htab|lookup_nulls|ktime_get|read_tsc|kvm_clock|pvclock|copy_from_kernel|is_vmalloc|ftrace|kprobe|trampoline',
    'ringbuf|perf_',
  ],
  ['copy', 'copy_from_iter|rep_movs|memcpy|csum_(partial|and_copy)|ip_generic_getfrag|iter_advance'],
  [
    'entry',
    '^(entry_|do_syscall|syscall_|x64_sys|__x64_sys|exit_to_user|srso_|irqentry|retbleed|arch_exit|fdget|__fget)',
    '^(sockfd_lookup|fput)',
  ],
  [
    'import',
    'copy_msghdr|copy_iovec|copy_from_user|copy_user|check_object|check_heap|virt_addr_valid|import_iovec|import_ubuf',
    'sendmsg_copy|move_addr|__sys_send|sock_sendmsg|inet_sendmsg|inet_send_prepare|security_socket|apparmor_|selinux_',
    '^_?_?(get|put)_user|audit_|^udp_sendmsg|udp_cmsg|ip_cmsg|__might|^aa_',
  ],
  ['device', '^(dev_|__dev_|ip_skb_dst|ipv4_mtu|skb_dst|ip_finish|neigh)'],
  ['route', 'fib_|ip_route_|route|^rt_|^dst_|ipv4_dst|flowi|find_exception|sk_dst|xfrm_'],
  [
    'device',
    'skb|kmalloc|kmem|kfree|slab|alloc_|^__ip_|^ip_|^sock_|neigh|dev_|qdisc|sch_|xmit|ifb|loopback|netif|net_rx|backlog|napi',
    '^nf_|netdev|__build|page_frag|validate_|eth_|softirq|local_bh|consume|^udp|tasklet|u64_stats|spin_|siphash|rcu|put_page',
    'memset|inet_|refcount|pfifo|fq_',
  ],
]
