import { type Canvas, type Chart, intervalChart, seriesColor, stackChart } from '../../report/charts.js'
import { decimal, percent, signedPercent, type TableModel } from '../../report/format.js'
import { contains, type Interval } from '../../stats/interval.js'
import { type Breakdown, breakdownName, COMPONENT_COLORS } from '../analysis/breakdown.js'
import { encoderId, lineId } from '../cases/cases.js'
import type { ProfileDocument } from './document.js'

export function drawCharts(canvas: Canvas, document: ProfileDocument): Chart[] {
  return [
    breakdownChart(canvas, document),
    ...LINE_GROUPS.flatMap((group) => lineChart(canvas, document, group)),
    ...encoderChart(canvas, document),
  ]
}

/** A stacked bar per way to send or receive, and the whole measured directly as a mark with its interval. */
function breakdownChart(canvas: Canvas, { breakdowns }: ProfileDocument): Chart {
  return stackChart(canvas, {
    ...{ id: 'breakdown', title: 'The cost of a message, by component', label: 'nanoseconds per message' },
    caption:
      'Each component is the difference of two measured cases; the difference of a pale one from zero is not significant. ' +
      'The mark is the whole send measured directly, with its 95 % interval.',
    rows: breakdowns.map((breakdown) => ({
      name: breakdownName(breakdown),
      label: `${breakdown.whole.estimate.toFixed(0)} ns`,
      whole: breakdown.whole,
      parts: breakdown.components.map(({ name, label, nanoseconds, includesZero }) => ({
        ...{ label, color: COMPONENT_COLORS[name], value: nanoseconds.estimate, isPale: includesZero },
        note:
          `${intervalCells(nanoseconds).join(' ')} ns` +
          `${includesZero ? ', not significantly different from zero' : ''}`,
      })),
    })),
  })
}

/** Cost per message over the batch size, T(n)/n = b + a/n. */
function lineChart(
  { Plot, draw }: Canvas,
  { lines: all, samples }: ProfileDocument,
  [id, title, names]: (typeof LINE_GROUPS)[number],
): Chart[] {
  const lines = all.filter(({ name }) => names.test(name))
  if (lines.length === 0) return []
  const color = (datum: { name: string }) => seriesColor(lines.findIndex(({ name }) => name === datum.name))
  const measured = lines.flatMap(({ name, points }) =>
    points.map(({ n, nanoseconds: { estimate, low, high } }) => {
      const [y, from, to] = [estimate, low, high].map((value) => value / n)
      return { name, n, y, title: `${name}, ${n}: ${y.toFixed(0)} ns [${from.toFixed(0)}, ${to.toFixed(0)}]` }
    }),
  )
  const top = Math.max(...measured.map(({ y }) => y)) * HEADROOM
  const inside = (value: number) => Math.min(top, Math.max(0, value))
  const raw = lines.flatMap((line) =>
    line.points.flatMap(({ n }) => {
      const row = samples.find((one) => one.id === lineId(line, n))
      return (row?.nanoseconds ?? []).map((value) => ({ name: line.name, n, y: value / n }))
    }),
  )
  const shown = raw.filter(({ y }) => y <= top)
  const above = raw.length - shown.length
  const fitted = lines.flatMap(({ name, a, b, points }) =>
    curve(points[0]?.n ?? 1, points.at(-1)?.n ?? 1).map((n) => {
      const [y, low, high] = (['estimate', 'low', 'high'] as const).map((key) => inside(b[key] + a[key] / n))
      return { name, n, y, low, high }
    }),
  )
  const limits = lines.map(({ name, b }) => ({ name, y: inside(b.estimate) }))
  const chart: Chart = {
    id,
    title,
    caption:
      'T(n) = a + b n, as the cost per message, T(n)/n. The dashed line is b, the limit of what batching gains; the band is ' +
      `the range of the intervals of a and b; small dots are samples${above === 0 ? '.' : `, ${above} of which are above the chart.`}`,
    keys: lines.map(({ name, a, b, maxGain }) => ({
      label: `${name}: ${a.estimate.toFixed(0)} + ${b.estimate.toFixed(0)} n ns, at most +${Math.max(0, maxGain.estimate * 100).toFixed(0)} %`,
      color: color({ name }),
    })),
    svg: draw({
      height: 380,
      marginLeft: 64,
      x: { type: 'log', base: 2, label: 'messages per batch', grid: true, tickFormat: 'd' },
      y: { label: 'nanoseconds per message', grid: true, domain: [0, top] },
      marks: [
        Plot.dot(shown, { x: 'n', y: 'y', r: 1.2, fill: color, fillOpacity: 0.25 }),
        Plot.areaY(fitted, { x: 'n', y1: 'low', y2: 'high', z: 'name', fill: color, fillOpacity: 0.2 }),
        Plot.lineY(fitted, { x: 'n', y: 'y', z: 'name', stroke: color, strokeWidth: 1.5 }),
        Plot.ruleY(limits, { y: 'y', stroke: color, strokeDasharray: '4,4', strokeOpacity: 0.8 }),
        Plot.dot(measured, { x: 'n', y: 'y', r: 3.5, fill: color, title: 'title' }),
      ],
    }),
  }
  return [chart]
}

/** Each encoder with its interval, at the breakdown's batch size. */
function encoderChart(canvas: Canvas, { encoders, subject: { batch }, samples }: ProfileDocument): Chart[] {
  const timesOf = (name: string) =>
    samples.find(({ id }) => id === encoderId(name, batch, false))?.nanoseconds.map((value) => value / batch) ?? []
  return intervalChart(canvas, {
    ...{ id: 'encoders', title: 'Preparing a message', label: 'nanoseconds per message', isLogarithmic: true },
    caption:
      `Nanoseconds and bytes of heap to prepare a message of a batch of ${batch}, without the system call, on a ` +
      `logarithmic scale; dots are samples. ${encoders.map(({ name, describe }) => `${name}: ${describe}`).join('; ')}.`,
    format: (value) => `${nanoseconds(value)} ns`,
    rows: encoders.flatMap(({ name, points }) =>
      points
        .filter((point) => point.batch === batch)
        .map(({ alone, heapBytes }) => ({
          ...{ name, value: { ...alone, median: alone.estimate }, points: timesOf(name) },
          note: heapBytes === null ? '' : `, ${heapBytes.toFixed(0)} B`,
        })),
    ),
  })
}

/** Returns batch sizes close enough for a curve. */
function curve(smallest: number, largest: number): number[] {
  const count = 48
  return Array.from({ length: count + 1 }, (_, index) => smallest * (largest / smallest) ** (index / count))
}

const LINE_GROUPS = [
  ['lines-send', 'The lines of sending', /^send/],
  ['lines-gso', 'The lines of GSO', /^gso/],
  ['lines-receive', 'The lines of receiving', /^recv/],
] as const
const HEADROOM = 1.15

export function nanoseconds(value: number): string {
  const digits = Math.abs(value) < 9.95 ? 1 : 0
  return decimal(Object.is(Math.round(value * 10), -0) ? 0 : value, digits)
}

/** `1,234` and `[1,220, 1,251]`. */
function intervalCells({ estimate, low, high }: Interval): [string, string] {
  return [nanoseconds(estimate), `[${nanoseconds(low)}, ${nanoseconds(high)}]`]
}

function breakdownTable(breakdown: Breakdown): TableModel {
  const { batch, components, sum, whole, difference, sumWithinWhole, addsUp } = breakdown
  const verdict = sumWithinWhole ? 'the sum is within it' : addsUp ? 'difference not significant' : 'the sum differs'
  return {
    title: `${breakdownName(breakdown)}, batches of ${batch}`,
    rows: [
      ['', 'ns', 'interval', 'share', '', 'measured as'],
      ...components.map(({ label, nanoseconds: value, includesZero, share, from }) => {
        return [label, ...intervalCells(value), percent(share), includesZero ? '~ 0' : '', from]
      }),
      ['sum', ...intervalCells(sum), '', '', ''],
      ['measured directly', ...intervalCells(whole), '', '', `${verdict}: ${intervalCells(difference).join(' ')}`],
    ],
  }
}

/** Returns the tables by the id of the chart that they are below on the page. */
export function tablesOf({ breakdowns, lines, gains, encoders, crossings, subject }: ProfileDocument) {
  const points = encoders.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))
  const tables: Record<string, TableModel[]> = {
    breakdown: breakdowns.map(breakdownTable),
    'lines-send': [
      {
        title: 'The line T(n) = a + b n: a per call, b per message; no batch size gains more than a/b',
        rows: [
          ['', 'a', 'interval', 'b', 'interval', 'a/b', 'R²', 'farthest point'],
          ...lines.map(({ name, a, b, maxGain, quality: { rSquared, worstDeviation, worstAt } }) => [
            ...[name, ...intervalCells(a), ...intervalCells(b)],
            contains(b, 0) ? 'b ~ 0' : percent(maxGain.estimate),
            ...[rSquared.toFixed(3), `${percent(worstDeviation)} at ${worstAt}`],
          ]),
        ],
      },
      {
        title: 'More messages in the same time than with sendmsg',
        rows: [
          ['', 'gain', 'interval'],
          ...gains.map(({ label, gain: { estimate, low, high } }) => {
            return [label, signedPercent(estimate), `[${signedPercent(low)}, ${signedPercent(high)}]`]
          }),
        ],
      },
    ],
    encoders: [
      {
        title: `Preparing messages, batches of ${subject.batch}: alone and with sendmmsg, share of the whole, bytes per message`,
        rows: [
          ['', 'alone', 'interval', 'with call', 'share', 'heap B', 'external B', 'GC ns'],
          ...points
            .filter(({ batch }) => batch === subject.batch)
            .map(({ name, alone, withCall, share, heapBytes, externalBytes, collectionNanoseconds }) => [
              ...[name, ...intervalCells(alone), nanoseconds(withCall.estimate), percent(share.estimate)],
              ...[bytes(heapBytes), bytes(externalBytes), nanoseconds(collectionNanoseconds)],
            ]),
        ],
      },
      {
        title: 'The same alone, over the batch size',
        rows: [
          ['', ...subject.batches.map(String)],
          ...encoders.map(({ name }) => {
            const of = (size: number) => points.find((one) => one.name === name && one.batch === size)?.alone.estimate
            return [name, ...subject.batches.map(of).map((value) => (value === undefined ? '' : nanoseconds(value)))]
          }),
        ],
      },
      {
        title: 'Crossing into C: ns per call, minus the call of a JavaScript function',
        rows: [
          ['', 'ns', 'interval'],
          ...crossings.map(({ by, function: name, nanoseconds }) => [
            `${by}, as ${name}`,
            ...intervalCells(nanoseconds),
          ]),
        ],
      },
    ],
  }
  return tables
}

function bytes(value: number | null): string {
  if (value === null) return '?'
  return value < 0.05 ? '0' : value.toFixed(1)
}
