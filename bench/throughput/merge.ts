import { max } from 'simple-statistics'
import { readText } from '../cli/files.js'
import { Failure } from '../cli/run-command.js'
import type { MergePlan } from '../options/local-options.js'
import { documentHead, printResult, SCHEMA_VERSION } from '../report/document.js'
import { gigabits, whole } from '../report/format.js'
import { table } from '../report/table.js'
import type { RoundRecord } from '../traffic/round-record.js'
import { sumOrNull } from './summary.js'

/** A document of `send --json`. */
interface Report {
  readonly file: string
  readonly partial: unknown
  readonly config: Readonly<Record<string, unknown>>
  readonly results: readonly RoundRecord[]
}

const COUNTS = ['seconds', 'packets', 'bytes', 'systemCalls', 'wouldBlock', 'errors'] as const
const DELIVERY = ['delivered', 'lost'] as const
const KEYS = [...COUNTS, ...DELIVERY, 'packetsPerSecond', 'bitsPerSecond', 'deliveredPerSecond'] as const
/** Of one mode, in one file or in all; null if unknown. */
type Counts = Readonly<Record<(typeof KEYS)[number], number | null>>

/** Prints the totals of several reports. @throws Failure if they cannot be added */
export function printMerged({ files, ...format }: MergePlan): void {
  const merged = mergeReports(files.map((file) => parseReport(file, readText(file))))
  const rows = merged.summary.flatMap((total) => [...merged.results.filter(({ mode }) => mode === total.mode), total])
  const orUnknown = (value: number | null, format = whole) => (value === null ? '-' : format(value))
  const text = () =>
    [
      table([
        ['', 'sent', 'delivered', 'lost', 'packets/s', 'Gbit/s', 'delivered/s'],
        ...rows.map(({ mode, file, packets, delivered, lost, packetsPerSecond, bitsPerSecond, deliveredPerSecond }) => [
          `${mode}, ${file}`,
          ...[packets, delivered, lost, packetsPerSecond].map((value) => orUnknown(value)),
          orUnknown(bitsPerSecond, gigabits),
          orUnknown(deliveredPerSecond),
        ]),
      ]),
      '',
      'Counts are sums. The rate of a file is its packets over its seconds; a total rate is the sum of the rates.',
      ...merged.warnings,
    ].join('\n')
  const document = () => ({ ...documentHead('merge'), ...merged })
  printResult(format, document, text, () => rows)
}

/** Adds reports of the same plan, mode by mode. Only counts and durations are used. @throws Failure */
export function mergeReports(reports: readonly Report[]) {
  const [first] = reports
  for (const [index, report] of reports.entries()) {
    checkPlan(first, report)
    const known = JSON.stringify(report.results)
    const same = reports.slice(0, index).find(({ results }) => JSON.stringify(results) === known)
    if (same !== undefined) throw new Failure(`${report.file} is the same run as ${same.file}`)
  }
  const modes = [...new Set(reports.flatMap(({ results }) => results.map(({ mode }) => mode)))]
  const results = modes.flatMap((mode) => {
    const having = reports.filter((report) => report.results.some((round) => round.mode === mode))
    return having.map((report) => totalOfRounds(mode, report))
  })
  const summary = modes.map((mode) => {
    const rows = results.filter((row) => row.mode === mode)
    const seconds = max(rows.map((row) => row.seconds ?? 0))
    return { mode, file: 'total', files: rows.length, ...add(rows), seconds }
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
  return { files: reports.map(({ file }) => file), results, summary, warnings }
}

function totalOfRounds(mode: string, { file, results }: Report) {
  const total = add(
    results.flatMap(({ delivered: arrived, ...round }) => {
      const { delivered = null, lost = null } = arrived ?? {}
      return round.mode === mode ? [{ ...round, delivered, lost }] : []
    }),
  )
  const rate = (count: number | null) => (count === null || !total.seconds ? count : count / total.seconds)
  const packetsPerSecond = rate(total.packets)
  const bitsPerSecond = rate(8 * (total.bytes ?? 0))
  return { mode, file, ...total, packetsPerSecond, bitsPerSecond, deliveredPerSecond: rate(total.delivered) }
}

function add(rows: readonly Counts[]): Counts {
  return Object.fromEntries(KEYS.map((key) => [key, sumOrNull(rows.map((row) => row[key]))])) as Counts
}

/** What differs between machines that do the same work. */
const OF_ONE_MACHINE = ['to', 'local', 'bind', 'seed', 'skipped', 'receiver', 'intervalSeconds']

function checkPlan(first: Report, other: Report): void {
  for (const key of new Set([...Object.keys(first.config), ...Object.keys(other.config)])) {
    const [one, two] = [first, other].map(({ config }) => JSON.stringify(config[key]) ?? 'missing')
    if (one === two || OF_ONE_MACHINE.includes(key)) continue
    throw new Failure(`${other.file} has another plan than ${first.file}: ${key} is ${two}, not ${one}`)
  }
}

/** Parses a document of `send --json`. @throws Failure if it is another one */
export function parseReport(file: string, text: string): Report {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Failure(`${file} is not JSON`)
  }
  const { command, schemaVersion, partial = null, config, results } = keysOf(value)
  if (command !== 'send') throw new Failure(`${file} is not a report of send; make one with --json`)
  if (schemaVersion !== SCHEMA_VERSION) {
    throw new Failure(`${file} has schema version ${schemaVersion}, this command reads version ${SCHEMA_VERSION}`)
  }
  if (!Array.isArray(results) || results.length === 0 || !results.every(isRound)) {
    throw new Failure(`${file} has no results, or damaged ones`)
  }
  return { file, partial, config: keysOf(config), results }
}

function isRound(value: unknown): value is RoundRecord {
  const round = keysOf(value)
  const delivery = keysOf(round.delivered)
  const counts = [...COUNTS.map((key) => round[key]), ...DELIVERY.map((key) => delivery[key] ?? 0)]
  const isCount = (count: unknown) => typeof count === 'number' && count >= 0 && Number.isFinite(count)
  return typeof round.mode === 'string' && /^[\w+-]{1,40}$/.test(round.mode) && counts.every(isCount)
}

function keysOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
