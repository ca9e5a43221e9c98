import { max } from 'simple-statistics'
import { parseJson, readText } from '../cli/files.js'
import { Failure } from '../cli/run-command.js'
import type { MergePlan } from '../options/local-options.js'
import { documentHead, printResult, SCHEMA_VERSION } from '../report/document.js'
import { decimal, gigabits, table, whole } from '../report/format.js'
import { Histogram } from '../stats/histogram.js'
import { sumOrNull } from './summary.js'

/** A document of `send --json` or `latency --json`. */
interface Report {
  readonly file: string
  readonly command: Command
  readonly partial: unknown
  readonly config: Readonly<Record<string, unknown>>
  readonly rounds: readonly Round[]
}

/** A round of one mode, or several. */
interface Round {
  readonly mode: string
  /** Null if unknown. */
  readonly counts: Readonly<Record<string, number | null>>
  /** Names of the shares of latencies that are reported: `p50`, `p99.9`, `max`. */
  readonly shares: readonly string[]
  readonly histogram: readonly (readonly [limit: number, count: number])[]
}

/** What is added, by command. */
const COUNTS = {
  send: ['seconds', 'packets', 'bytes', 'systemCalls', 'wouldBlock', 'errors'],
  latency: ['seconds', 'due', 'sent', 'replies', 'lost'],
} as const
type Command = keyof typeof COUNTS

type Columns = readonly (readonly [label: string, key: string, format?: (value: number) => string])[]
/** The columns of the table: the key of a row, and how it is printed. */
const SENT: Columns = [
  ['sent', 'packets'],
  ['delivered', 'delivered'],
  ['lost', 'lost'],
  ['packets/s', 'packetsPerSecond'],
  ['Gbit/s', 'bitsPerSecond', gigabits],
  ['delivered/s', 'deliveredPerSecond'],
]
const ANSWERED: Columns = [
  ['requests', 'sent'],
  ['replies', 'replies'],
  ['lost', 'lost'],
]

/** Prints the totals of several reports. @throws Failure if they cannot be added */
export function printMerged({ files, ...format }: MergePlan): void {
  const reports = files.map((file) => parseReport(file, readText(file)))
  const merged = mergeReports(reports)
  const rows = merged.summary.flatMap((total) => [...merged.results.filter(({ mode }) => mode === total.mode), total])
  const names = Object.keys(rows[0].nanoseconds ?? {})
  const columns = names.length === 0 ? SENT : ANSWERED
  const cell = (value: unknown, print: (value: number) => string) => (typeof value === 'number' ? print(value) : '-')
  const cells = (row: Readonly<Record<string, unknown>> & (typeof rows)[number]) => [
    `${row.mode}, ${row.file}`,
    ...columns.map(([, key, print = whole]) => cell(row[key], print)),
    ...names.map((name) => cell(row.nanoseconds?.[name], (value) => decimal(value / 1000, 1))),
  ]
  const text = [
    table([['', ...columns.map(([label]) => label), ...names.map((name) => `${name} us`)], ...rows.map(cells)]),
    '',
    names.length === 0
      ? 'Counts are sums. The rate of a file is its packets over its seconds; a total rate is the sum of the rates.'
      : 'Counts are sums. Percentiles are those of the added histograms.',
    ...merged.warnings,
  ].join('\n')
  printResult(
    format,
    { ...documentHead('merge'), ...merged },
    text,
    rows.map(({ histogram: _, ...row }) => row),
  )
}

/** Adds reports of the same plan, mode by mode. Only counts, durations and histograms are used. @throws Failure */
export function mergeReports(reports: readonly Report[]) {
  const [first] = reports
  for (const [index, report] of reports.entries()) {
    checkPlan(first, report)
    const known = JSON.stringify(report.rounds)
    const same = reports.slice(0, index).find(({ rounds }) => JSON.stringify(rounds) === known)
    if (same !== undefined) throw new Failure(`${report.file} is the same run as ${same.file}`)
  }
  const modes = [...new Set(reports.flatMap(({ rounds }) => rounds.map(({ mode }) => mode)))]
  const files = modes.map((mode) => {
    const having = reports.filter(({ rounds }) => rounds.some((round) => round.mode === mode))
    return having.map(({ file, rounds }) => {
      const { counts, ...total } = add(rounds.filter((round) => round.mode === mode))
      return { ...total, file, counts: { ...counts, ...ratesOf(counts) } }
    })
  })
  const summary = files.map((rows) => {
    const seconds = max(rows.map(({ counts }) => counts.seconds ?? 0))
    return { ...rowOf('total', add(rows)), seconds, files: rows.length }
  })
  const warnings = [
    ...reports.flatMap(({ file, partial }) => (partial === null ? [] : [`${file} is incomplete: ${partial}`])),
    ...summary.flatMap(({ mode, files }) =>
      files === reports.length ? [] : [`${mode} is in ${files} of ${reports.length} files`],
    ),
    ...(modes.length === 1 || reports.every(({ config }) => config.seed === first.config.seed)
      ? []
      : ['the files have different seeds: at one time, each sender had another mode']),
  ]
  const results = files.flatMap((rows) => rows.map(({ file, ...row }) => rowOf(file, row)))
  return { files: reports.map(({ file }) => file), results, summary, warnings }
}

function add(rounds: readonly Round[]): Round {
  const [{ mode, shares, counts: first }] = rounds
  const counts = Object.keys(first).map((key) => [key, sumOrNull(rounds.map(({ counts }) => counts[key]))])
  const latencies = new Histogram(rounds.flatMap(({ histogram }) => histogram))
  return { mode, shares, counts: Object.fromEntries(counts), histogram: latencies.buckets() }
}

function ratesOf({ seconds, packets, bytes, delivered }: Round['counts']): Round['counts'] {
  if (packets === undefined) return {}
  const rate = (count: number | null) => (count === null || !seconds ? count : count / seconds)
  const bits = bytes === null ? null : bytes * 8
  return { packetsPerSecond: rate(packets), bitsPerSecond: rate(bits), deliveredPerSecond: rate(delivered) }
}

/** As in the document. Percentiles are those of the added histograms. */
function rowOf(file: string, { mode, counts, shares, histogram }: Round) {
  const latencies = new Histogram(histogram)
  const quantile = (name: string) => latencies.quantile(name === 'max' ? 1 : Number(name.slice(1)) / 100)
  const nanoseconds = Object.fromEntries(shares.map((name) => [name, quantile(name)]))
  return { mode, file, ...counts, ...(shares.length === 0 ? {} : { nanoseconds, histogram }) }
}

/** What differs between machines that do the same work. */
const OF_ONE_MACHINE = ['to', 'local', 'bind', 'seed', 'skipped', 'receiver', 'intervalSeconds', 'kernelPacing']

function checkPlan(first: Report, other: Report): void {
  const plans = [first, other].map(({ command, config }): Report['config'] => ({ command, ...config }))
  for (const key of new Set(plans.flatMap((plan) => Object.keys(plan)))) {
    const [one, two] = plans.map((plan) => JSON.stringify(plan[key]) ?? 'missing')
    if (one === two || OF_ONE_MACHINE.includes(key)) continue
    throw new Failure(`${other.file} has another plan than ${first.file}: ${key} is ${two}, not ${one}`)
  }
}

/** Parses a document of `send --json` or `latency --json`. @throws Failure if it is another one */
export function parseReport(file: string, text: string): Report {
  const { command, schemaVersion, partial = null, config, results } = keysOf(parseJson(file, text))
  if (command !== 'send' && command !== 'latency') {
    throw new Failure(`${file} is not a report of send or latency; make one with --json`)
  }
  if (schemaVersion !== SCHEMA_VERSION) {
    throw new Failure(`${file} has schema version ${schemaVersion}, this command reads version ${SCHEMA_VERSION}`)
  }
  const damaged = new Failure(`${file} has no results, or damaged ones`)
  if (!Array.isArray(results) || results.length === 0) throw damaged
  const rounds = results.map((result) => roundOf(command, keysOf(result), damaged))
  return { file, command, partial, config: keysOf(config), rounds }
}

function roundOf(command: Command, result: Keys, damaged: Failure): Round {
  const { mode, delivered, nanoseconds, histogram = [] } = result
  const count = (value: unknown): number => {
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
    throw damaged
  }
  const countsOf = (keys: readonly string[], from: Keys) =>
    Object.fromEntries(keys.map((key) => [key, count(from[key])]))
  const unknown = { delivered: null, lost: null }
  const arrived =
    command === 'latency' ? {} : delivered === null ? unknown : countsOf(Object.keys(unknown), keysOf(delivered))
  const isValid = typeof mode === 'string' && /^[\w+-]{1,40}$/.test(mode) && Array.isArray(histogram)
  if (!isValid) throw damaged
  return {
    mode,
    counts: { ...countsOf(COUNTS[command], result), ...arrived },
    histogram: histogram.map((bucket) => {
      if (!Array.isArray(bucket) || bucket.length !== 2) throw damaged
      return [count(bucket[0]), count(bucket[1])]
    }),
    shares: Object.keys(keysOf(nanoseconds)),
  }
}

type Keys = Readonly<Record<string, unknown>>

function keysOf(value: unknown): Keys {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
