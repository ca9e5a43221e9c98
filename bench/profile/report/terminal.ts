import { table } from '../../report/table.js'
import { answerInWords } from '../analysis/answer.js'
import type { Figures } from '../analysis/figures.js'
import type { Ladder } from '../analysis/ladder.js'
import type { ProfileRun } from '../run.js'
import { contains } from '../statistics/interval.js'
import { legend, stackedBar } from './bar.js'
import { gainText, intervalCells, nanoseconds, share } from './format-interval.js'

/** The whole report as text. */
export function terminalReport(run: ProfileRun): string {
  const { figures, subject } = run
  return [
    heading(run),
    ...figures.ladders.map(ladderText),
    barsText(figures.ladders),
    linesText(figures),
    gainsText(figures),
    strategiesText(run),
    crossingsText(run),
    checksText(run),
    trustText(run),
    ['What limits sendmmsg', ...answerInWords(figures, subject).map((sentence) => `  ${sentence}`)].join('\n'),
  ].join('\n\n')
}

function heading({ machine, place, subject, measured, seconds, noise, isRealTime }: ProfileRun): string {
  const { kernel, cpu, cores, node, koffi } = machine
  return [
    `Linux ${kernel}, ${cpu}, ${cores} processors, Node ${node}, Koffi ${koffi}`,
    `${place.name}: ${place.explanation}`,
    `${subject.sizeBytes} bytes of payload, batches of ${subject.batch}; ${measured.series.length} cases, ` +
      `${measured.rounds} rounds in ${seconds.toFixed(0)} s; ${isRealTime ? 'real-time' : 'ordinary'} scheduling`,
    `${noise.blocks} blocks: ${noise.interrupted} interrupted, ${noise.withCollections} with garbage collections, ` +
      `${noise.outliers} outliers; the machine's speed drifted by ${share(noise.drift)}`,
    'All times are nanoseconds a message, with 95 % intervals, unless they say otherwise.',
  ].join('\n')
}

function ladderText({ mode, connected, batch, rungs, sum, whole, difference, sumWithinWhole, addsUp }: Ladder): string {
  const rows = rungs.map(({ label, nanoseconds: value, includesZero, share: part, from }) => [
    label,
    ...intervalCells(value),
    share(part),
    includesZero ? '~ 0' : '',
    from,
  ])
  const verdict = sumWithinWhole ? 'the sum lies within it' : addsUp ? 'not apart beyond doubt' : 'the sum is off'
  return [
    `${title(mode, connected)}, batches of ${batch}`,
    table([
      ['', 'ns', 'interval', 'share', '', 'measured as'],
      ...rows,
      ['sum', ...intervalCells(sum), '', '', ''],
      ['measured directly', ...intervalCells(whole), '', '', `${verdict}: ${intervalCells(difference).join(' ')}`],
    ]),
  ].join('\n')
}

function barsText(ladders: readonly Ladder[]): string {
  const widest = Math.max(...ladders.map(({ sum }) => sum.estimate))
  const rows = ladders.map((ladder) => {
    const name = title(ladder.mode, ladder.connected).padEnd(20)
    return `${name} ${stackedBar(ladder, widest, BAR_COLUMNS)} ${nanoseconds(ladder.sum.estimate)}`
  })
  return [...rows, legend()].join('\n')
}

function linesText({ lines }: Figures): string {
  const rows = lines.map(({ name, a, b, mostGain, quality }) => [
    name,
    ...intervalCells(a),
    ...intervalCells(b),
    contains(b, 0) ? 'b ~ 0' : share(mostGain.estimate),
    quality.rSquared.toFixed(3),
    `${share(quality.worstDeviation)} at ${quality.worstAt}`,
  ])
  return [
    'The line T(n) = a + b n: a for a call, b for a message; no batch can gain more than a/b',
    table([['', 'a', 'interval', 'b', 'interval', 'a/b', 'R²', 'farthest'], ...rows]),
  ].join('\n')
}

function gainsText({ gains }: Figures): string {
  return [
    'More messages in the same time than by sendmsg',
    table([['', 'gain'], ...gains.map(({ label, gain }) => [label, gainText(gain)])]),
  ].join('\n')
}

function strategiesText({ figures, subject }: ProfileRun): string {
  const rows = figures.strategies.flatMap(({ name, points }) =>
    points
      .filter(({ batch }) => batch === subject.batch)
      .map(({ alone, withCall, share: part, heapBytes, externalBytes, collectionNanoseconds }) => [
        name,
        ...intervalCells(alone),
        nanoseconds(withCall.estimate),
        share(part.estimate),
        bytes(heapBytes),
        bytes(externalBytes),
        nanoseconds(collectionNanoseconds),
      ]),
  )
  const heads = ['', 'alone', 'interval', 'with call', 'share', 'heap B', 'external B', 'GC ns']
  const sweep = figures.strategies.map(({ name, points }) => [
    name,
    ...points.map(({ alone }) => nanoseconds(alone.estimate)),
  ])
  const batches = figures.strategies[0]?.points.map(({ batch }) => String(batch)) ?? []
  return [
    `Preparing messages, batches of ${subject.batch}: alone and with sendmmsg, share of the whole, bytes a message`,
    table([heads, ...rows]),
    '',
    'The same alone, over batch size',
    table([['', ...batches], ...sweep]),
  ].join('\n')
}

function crossingsText({ figures, measured }: ProfileRun): string {
  const rows = figures.crossings.map(({ by, function: name, nanoseconds: value }) => [
    `${by}, as ${name}`,
    ...intervalCells(value),
  ])
  const unable = measured.unable.map(({ id, reason }) => `  ${id}: ${reason}`)
  return [
    'Crossing into C, ns a call, less calling a JavaScript function',
    table([['', 'ns', 'interval'], ...rows]),
    ...(unable.length === 0 ? [] : ['Not measured here:', ...unable]),
  ].join('\n')
}

function checksText({ crossChecks }: ProfileRun): string {
  return [
    'Cross-checks',
    ...crossChecks.map(({ name, by, verdict, text }) => `  ${verdict}: ${name} (${by}): ${text}`),
  ].join('\n')
}

function trustText({ trust }: ProfileRun): string {
  const lines = [
    ...trust.failures.map((text) => `  NOT TO BE TRUSTED: ${text}`),
    ...trust.warnings.map((text) => `  warning: ${text}`),
  ]
  return lines.length === 0 ? 'Nothing speaks against these figures.' : ['Caveats', ...lines].join('\n')
}

function title(mode: string, connected: boolean): string {
  return connected ? `${mode}, connected` : mode
}

function bytes(value: number | null): string {
  if (value === null) return '?'
  return value < 0.05 ? '0' : value.toFixed(1)
}

const BAR_COLUMNS = 80
