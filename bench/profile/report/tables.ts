import { decimal, percent, signedPercent } from '../../report/format.js'
import type { TableModel } from '../../report/table.js'
import { contains, type Interval } from '../../stats/interval.js'
import { type Breakdown, breakdownName } from '../analysis/breakdown.js'
import type { ProfileDocument } from './document.js'

export function nanoseconds(value: number): string {
  const digits = Math.abs(value) < 9.95 ? 1 : 0
  return decimal(Object.is(Math.round(value * 10), -0) ? 0 : value, digits)
}

/** `1,234` and `[1,220, 1,251]`. */
export function intervalCells({ estimate, low, high }: Interval): [string, string] {
  return [nanoseconds(estimate), `[${nanoseconds(low)}, ${nanoseconds(high)}]`]
}

export function breakdownTable(breakdown: Breakdown): TableModel {
  const { batch, components, sum, whole, difference, sumWithinWhole, addsUp } = breakdown
  const verdict = sumWithinWhole ? 'the sum is within it' : addsUp ? 'difference not significant' : 'the sum differs'
  return {
    title: `${breakdownName(breakdown)}, batches of ${batch}`,
    rows: [
      ['', 'ns', 'interval', 'share', '', 'measured as'],
      ...components.map(({ label, nanoseconds: value, includesZero, share, from }) => [
        label,
        ...intervalCells(value),
        percent(share),
        includesZero ? '~ 0' : '',
        from,
      ]),
      ['sum', ...intervalCells(sum), '', '', ''],
      ['measured directly', ...intervalCells(whole), '', '', `${verdict}: ${intervalCells(difference).join(' ')}`],
    ],
  }
}

/** The lines: cost per call and per message, and the upper limit of what batching gains. */
export function linesTable({ lines }: ProfileDocument): TableModel {
  return {
    title: 'The line T(n) = a + b n: a per call, b per message; no batch size gains more than a/b',
    rows: [
      ['', 'a', 'interval', 'b', 'interval', 'a/b', 'R²', 'farthest point'],
      ...lines.map(({ name, a, b, maxGain, quality }) => [
        name,
        ...intervalCells(a),
        ...intervalCells(b),
        contains(b, 0) ? 'b ~ 0' : percent(maxGain.estimate),
        quality.rSquared.toFixed(3),
        `${percent(quality.worstDeviation)} at ${quality.worstAt}`,
      ]),
    ],
  }
}

export function gainsTable({ gains }: ProfileDocument): TableModel {
  const rows = gains.map(({ label, gain: { estimate, low, high } }) => {
    return [label, signedPercent(estimate), `[${signedPercent(low)}, ${signedPercent(high)}]`]
  })
  return { title: 'More messages in the same time than with sendmsg', rows: [['', 'gain', 'interval'], ...rows] }
}

export function encodersTable({ encoders, subject }: ProfileDocument): TableModel {
  const rows = encoders.flatMap(({ name, points }) =>
    points
      .filter(({ batch }) => batch === subject.batch)
      .map(({ alone, withCall, share, heapBytes, externalBytes, collectionNanoseconds }) => [
        name,
        ...intervalCells(alone),
        nanoseconds(withCall.estimate),
        percent(share.estimate),
        bytes(heapBytes),
        bytes(externalBytes),
        nanoseconds(collectionNanoseconds),
      ]),
  )
  return {
    title: `Preparing messages, batches of ${subject.batch}: alone and with sendmmsg, share of the whole, bytes per message`,
    rows: [['', 'alone', 'interval', 'with call', 'share', 'heap B', 'external B', 'GC ns'], ...rows],
  }
}

export function batchSizesTable({ encoders, subject: { batches } }: ProfileDocument): TableModel {
  const rows = encoders.map(({ name, points }) => {
    const of = (batch: number) => points.find((one) => one.batch === batch)?.alone.estimate
    return [name, ...batches.map(of).map((value) => (value === undefined ? '' : nanoseconds(value)))]
  })
  return { title: 'The same alone, over the batch size', rows: [['', ...batches.map(String)], ...rows] }
}

export function crossingsTable({ crossings }: ProfileDocument): TableModel {
  const title = 'Crossing into C: ns per call, minus the call of a JavaScript function'
  const rows = crossings.map(({ by, function: name, nanoseconds: value }) => [
    `${by}, as ${name}`,
    ...intervalCells(value),
  ])
  return { title, rows: [['', 'ns', 'interval'], ...rows] }
}

function bytes(value: number | null): string {
  if (value === null) return '?'
  return value < 0.05 ? '0' : value.toFixed(1)
}
