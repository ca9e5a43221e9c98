import { counted, percent } from '../../report/format.js'
import { tableText } from '../../report/table.js'
import { type Breakdown, breakdownName, type ComponentName } from '../analysis/breakdown.js'
import type { ProfileDocument } from './document.js'
import {
  batchSizesTable,
  breakdownTable,
  checkLines,
  crossingsTable,
  encodersTable,
  gainsTable,
  linesTable,
  nanoseconds,
} from './tables.js'

/** Returns the whole report as text. */
export function terminalReport(document: ProfileDocument): string {
  const { breakdowns, answer, measuring, reliability, withRoot } = document
  const { failures, warnings } = reliability
  const problems = [...failures.map((one) => `NOT RELIABLE: ${one}`), ...warnings.map((one) => `warning: ${one}`)]
  const unmeasured = measuring.unmeasured.map(({ id, reason }) => `${id}: ${reason}`)
  const sections = [
    ...(measuring.endedBy === 'interruption'
      ? [`PARTIAL RESULT: interrupted after ${counted(measuring.rounds, 'round')}`]
      : []),
    heading(document),
    ...breakdowns.map((breakdown) => tableText(breakdownTable(breakdown))),
    ...(breakdowns.length === 0 ? [] : [bars(breakdowns)]),
    tableText(linesTable(document)),
    tableText(gainsTable(document)),
    tableText(encodersTable(document)),
    tableText(batchSizesTable(document)),
    tableText(crossingsTable(document)),
    list('Cross-checks', checkLines(document)),
    list('Not measured here', unmeasured),
    list('Root would add', withRoot),
    problems.length === 0 ? 'No problems detected.' : list('Problems', problems),
    list('What limits sendmmsg', answer),
  ]
  return sections.filter(Boolean).join('\n\n')
}

function heading(document: ProfileDocument): string {
  const { machine, target, subject, measuring, samples, seconds, noise } = document
  const { kernel, cpu, cores, node, koffi } = machine
  return [
    `Linux ${kernel}, ${cpu}, ${cores} cores, Node ${node}, Koffi ${koffi}`,
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
    return `${name} ${stackedBar(breakdown, widest, BAR_COLUMNS)} ${nanoseconds(breakdown.sum.estimate)}`
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
