import { type Canvas, type Chart, openCanvas } from '../../report/canvas.js'
import { intervalChart, seriesColor, stackChart } from '../../report/charts.js'
import { breakdownName, type ComponentName } from '../analysis/breakdown.js'
import type { LineFigure } from '../analysis/figures.js'
import { encoderId, lineId } from '../cases/cases.js'
import type { ProfileDocument } from './document.js'
import { nanoseconds as inNanoseconds, intervalCells } from './tables.js'

export async function drawCharts(document: ProfileDocument): Promise<Chart[]> {
  const canvas = await openCanvas()
  return [
    breakdownChart(canvas, document),
    ...LINE_GROUPS.flatMap((group) => lineChart(canvas, document, group)),
    throughputChart(canvas, document),
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
        ...{ label, color: COLORS[name], value: nanoseconds.estimate, isPale: includesZero },
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
  { id, title, of }: (typeof LINE_GROUPS)[number],
): Chart[] {
  const lines = all.filter(({ name }) => of.test(name))
  if (lines.length === 0) return []
  const color = colorOf(lines)
  const measured = pointsOf(lines).map(({ name, n, nanoseconds: { estimate, low, high } }) => ({
    name,
    n,
    y: estimate / n,
    title: `${name}, ${n}: ${(estimate / n).toFixed(0)} ns [${(low / n).toFixed(0)}, ${(high / n).toFixed(0)}]`,
  }))
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
    steps(points[0]?.n ?? 1, points.at(-1)?.n ?? 1).map((n) => ({
      name,
      n,
      y: inside(b.estimate + a.estimate / n),
      low: inside(b.low + a.low / n),
      high: inside(b.high + a.high / n),
    })),
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
      x: BATCH_AXIS,
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

/** Messages per second over the batch size, from the points of the lines. */
function throughputChart({ Plot, draw }: Canvas, { lines, subject }: ProfileDocument): Chart {
  const color = colorOf(lines)
  const points = pointsOf(lines).map(({ name, n, nanoseconds: { estimate, low, high } }) => ({
    name,
    n,
    y: (n / estimate) * 1e6,
    low: (n / high) * 1e6,
    high: (n / low) * 1e6,
    title: `${name}, ${n}: ${((n / estimate) * 1e6).toFixed(0)} thousand per second`,
  }))
  const rates = points.flatMap(({ low, y, high }) => [low, y, high])
  // Plot labels powers of ten only, which may all be outside the data.
  const ticks = roundValues(Math.min(...rates), Math.max(...rates))
  const domain = [ticks[0], ticks.at(-1)]
  return {
    id: 'throughput',
    title: 'Throughput over the batch size',
    caption:
      `Thousands of ${subject.sizeBytes}-byte datagrams per second on one processor, with 95 % intervals, both axes ` +
      'logarithmic. Receiving: datagrams that are already queued. GSO sends that reach the sink unsplit show the ' +
      'processor time with a device that splits them.',
    keys: lines.map(({ name }) => ({ label: name, color: color({ name }) })),
    svg: draw({
      height: 380,
      marginTop: 36,
      marginLeft: 72,
      x: BATCH_AXIS,
      y: { type: 'log', label: 'thousand datagrams per second', grid: true, domain, ticks, tickFormat: ',' },
      marks: [
        Plot.lineY(points, { x: 'n', y: 'y', z: 'name', stroke: color }),
        Plot.ruleX(points, { x: 'n', y1: 'low', y2: 'high', stroke: color, strokeWidth: 2 }),
        Plot.dot(points, { x: 'n', y: 'y', r: 3, fill: color, title: 'title' }),
      ],
    }),
  }
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
    format: (value) => `${inNanoseconds(value)} ns`,
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

function pointsOf(lines: readonly LineFigure[]) {
  return lines.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))
}

function colorOf(lines: readonly LineFigure[]): (datum: { name: string }) => string {
  return ({ name }) => seriesColor(lines.findIndex((line) => line.name === name))
}

/** Returns batch sizes close enough for a curve. */
function steps(smallest: number, largest: number): number[] {
  const count = 48
  return Array.from({ length: count + 1 }, (_, index) => smallest * (largest / smallest) ** (index / count))
}

/** Returns 1, 2 and 5 times the powers of ten around a range. */
function roundValues(low: number, high: number): number[] {
  const exponents = Array.from({ length: 16 }, (_, index) => index - 3)
  const values = exponents.flatMap((exponent) => [1, 2, 5].map((digit) => digit * 10 ** exponent))
  return values.filter((_, index) => (values[index + 1] ?? 0) > low && (values[index - 1] ?? 0) < high)
}

const LINE_GROUPS = [
  { id: 'lines-send', title: 'The lines of sending', of: /^send/ },
  { id: 'lines-gso', title: 'The lines of GSO', of: /^gso/ },
  { id: 'lines-receive', title: 'The lines of receiving', of: /^recv/ },
] as const
const BATCH_AXIS = { type: 'log', base: 2, label: 'messages per batch', grid: true, tickFormat: 'd' } as const
const HEADROOM = 1.15
/** Distinguishable with colour blindness (Okabe and Ito). */
const COLORS: Record<ComponentName, string> = {
  loop: '#8c8c8c',
  marshalling: '#e69f00',
  bookkeeping: '#f0c75e',
  crossing: '#d55e00',
  entry: '#cc79a7',
  import: '#0072b2',
  route: '#56b4e9',
  dequeue: '#3f7f93',
  device: '#4b8f5c',
  payload: '#009e73',
  copy: '#7fd1ae',
}
