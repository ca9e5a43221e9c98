import { machineLine } from '../../report/document.js'
import { counted, percent } from '../../report/format.js'
import { tableText } from '../../report/table.js'
import { type Breakdown, breakdownName, type ComponentName } from '../analysis/breakdown.js'
import type { ProfileDocument } from './document.js'
import * as tables from './tables.js'

export function terminalReport(document: ProfileDocument): string {
  const { breakdowns, answer, withRoot } = document
  const { failures, warnings } = document.reliability
  const problems = [...failures.map((one) => `NOT RELIABLE: ${one}`), ...warnings.map((one) => `warning: ${one}`)]
  const sections = [
    ...tables.partialResult(document).map((reason) => `PARTIAL RESULT: ${reason}`),
    heading(document),
    ...breakdowns.map(tables.breakdownTable).map(tableText),
    ...(breakdowns.length === 0 ? [] : [bars(breakdowns)]),
    ...TABLES.map((tableOf) => tableText(tableOf(document))),
    list('Cross-checks', tables.checkLines(document)),
    list('Not measured here', tables.unmeasuredLines(document)),
    list('Root would add', withRoot),
    problems.length === 0 ? 'No problems detected.' : list('Problems', problems),
    list('What limits sendmmsg', answer),
  ]
  return sections.filter(Boolean).join('\n\n')
}

function heading(document: ProfileDocument): string {
  const { machine, target, subject, measuring, samples, seconds, noise } = document
  return [
    machineLine(machine),
    `${target.name}: ${target.explanation}`,
    `${subject.sizeBytes} bytes of payload, batches of ${subject.batch}; ${samples.length} cases, ` +
      `${counted(measuring.rounds, 'round')} in ${seconds.toFixed(0)} s; ${measuring.isRealTime ? 'real-time' : 'ordinary'} scheduling`,
    `${noise.samples} samples: ${noise.interrupted} interrupted, ${noise.withCollections} with garbage collections, ` +
      `${noise.outliers} outliers; the machine's speed varied by ${percent(noise.drift)}`,
    'Times are nanoseconds per message, with 95 % intervals, unless stated otherwise.',
  ].join('\n')
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')
}

/** All breakdowns as bars of the same scale. */
function bars(breakdowns: readonly Breakdown[]): string {
  const widest = Math.max(...breakdowns.map(({ sum }) => sum.estimate))
  const rows = breakdowns.map((breakdown) => {
    const name = breakdownName(breakdown).padEnd(20)
    return `${name} ${stackedBar(breakdown, widest, BAR_COLUMNS)} ${tables.nanoseconds(breakdown.sum.estimate)}`
  })
  const legend = Object.entries(LETTERS).map(([name, letter]) => `${letter} ${name}`)
  return [...rows, legend.join('  ')].join('\n')
}

/** Returns a breakdown as one bar of text, with a letter per component, scaled so that `widest` nanoseconds are all columns. */
export function stackedBar({ components }: Breakdown, widest: number, columns: number): string {
  let total = 0
  let bar = ''
  for (const { name, nanoseconds: value } of components) {
    // Rounding the running total avoids an accumulated error.
    total += Math.max(0, value.estimate)
    bar = bar.padEnd(Math.round((total / widest) * columns), LETTERS[name])
  }
  return bar
}

const TABLES = [
  tables.linesTable,
  tables.gainsTable,
  tables.encodersTable,
  tables.batchSizesTable,
  tables.crossingsTable,
]
const LETTERS: Record<ComponentName, string> = {
  loop: '.',
  marshalling: 'm',
  bookkeeping: 'b',
  crossing: 'f',
  entry: 'k',
  import: 'h',
  route: 'r',
  device: '=',
  dequeue: 'q',
  payload: 'p',
  copy: 'c',
}
const BAR_COLUMNS = 80
