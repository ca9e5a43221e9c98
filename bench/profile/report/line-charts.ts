import type { Canvas, Chart } from '../../report/canvas.js'
import type { LineFigure } from '../analysis/lines.js'
import { lineId } from '../cases/line-cases.js'
import type { ProfileDocument, SampleRow } from './document.js'

/** Cost per message over the batch size, T(n)/n = b + a/n: a chart for sending, one for GSO, and one for receiving. */
export function lineCharts(canvas: Canvas, { lines, samples }: ProfileDocument): Chart[] {
  const groups = [
    { id: 'lines-send', title: 'The lines of sending', of: /^send/ },
    { id: 'lines-gso', title: 'The lines of GSO', of: /^gso/ },
    { id: 'lines-receive', title: 'The lines of receiving', of: /^recv/ },
  ]
  return groups.flatMap(({ id, title, of }) => {
    const some = lines.filter(({ name }) => of.test(name))
    return some.length === 0 ? [] : [lineChart(canvas, id, title, some, samples)]
  })
}

function lineChart(
  { Plot, draw }: Canvas,
  id: string,
  title: string,
  lines: readonly LineFigure[],
  samples: readonly SampleRow[],
): Chart {
  const color = colorOf(lines)
  const measured = pointsOf(lines).map(({ name, n, nanoseconds: { estimate, low, high } }) => ({
    name,
    n,
    y: estimate / n,
    title: `${name}, ${n}: ${(estimate / n).toFixed(0)} ns [${(low / n).toFixed(0)}, ${(high / n).toFixed(0)}]`,
  }))
  const raw = lines.flatMap((line) =>
    line.points.flatMap(({ n }) => {
      const row = samples.find((one) => one.id === lineId(line, n))
      return (row?.nanoseconds ?? []).map((value) => ({ name: line.name, n, y: value / n }))
    }),
  )
  const top = Math.max(...measured.map(({ y }) => y)) * HEADROOM
  const inside = (value: number) => Math.min(top, Math.max(0, value))
  const fitted = lines.flatMap(({ name, a, b, points }) =>
    steps(points[0]?.n ?? 1, points.at(-1)?.n ?? 1).map((n) => ({
      name,
      n,
      y: inside(b.estimate + a.estimate / n),
      low: inside(b.low + a.low / n),
      high: inside(b.high + a.high / n),
    })),
  )
  const shown = raw.filter(({ y }) => y <= top)
  const above = raw.length - shown.length
  return {
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
      marginBottom: 44,
      x: { type: 'log', base: 2, label: 'messages per batch', grid: true, tickFormat: 'd' },
      y: { label: 'nanoseconds per message', grid: true, domain: [0, top] },
      marks: [
        Plot.dot(shown, { x: 'n', y: 'y', r: 1.2, fill: color, fillOpacity: 0.25 }),
        Plot.areaY(fitted, { x: 'n', y1: 'low', y2: 'high', z: 'name', fill: color, fillOpacity: 0.2 }),
        Plot.lineY(fitted, { x: 'n', y: 'y', z: 'name', stroke: color, strokeWidth: 1.5 }),
        Plot.ruleY(
          lines.map(({ name, b }) => ({ name, y: inside(b.estimate) })),
          { y: 'y', stroke: color, strokeDasharray: '4,4', strokeOpacity: 0.8 },
        ),
        Plot.dot(measured, { x: 'n', y: 'y', r: 3.5, fill: color, title: 'title' }),
      ],
    }),
  }
}

/** Messages per second over the batch size, from the points of the lines. */
export function throughputChart({ Plot, draw }: Canvas, { lines, subject }: ProfileDocument): Chart {
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
      marginBottom: 44,
      x: { type: 'log', base: 2, label: 'messages per batch', grid: true, tickFormat: 'd' },
      y: {
        type: 'log',
        label: 'thousand datagrams per second',
        grid: true,
        domain: [ticks[0], ticks.at(-1)],
        ticks,
        tickFormat: ',',
      },
      marks: [
        Plot.lineY(points, { x: 'n', y: 'y', z: 'name', stroke: color }),
        Plot.ruleX(points, { x: 'n', y1: 'low', y2: 'high', stroke: color, strokeWidth: 2 }),
        Plot.dot(points, { x: 'n', y: 'y', r: 3, fill: color, title: 'title' }),
      ],
    }),
  }
}

function pointsOf(lines: readonly LineFigure[]) {
  return lines.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))
}

function colorOf(lines: readonly LineFigure[]): (datum: { name: string }) => string {
  return ({ name }) => LINE_COLORS[lines.findIndex((line) => line.name === name) % LINE_COLORS.length]
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

/** Distinguishable with colour blindness (Okabe and Ito), on light and dark backgrounds. */
const LINE_COLORS = ['#0072b2', '#56b4e9', '#d55e00', '#e69f00', '#009e73', '#7fd1ae', '#cc79a7', '#8c6bb1']
const HEADROOM = 1.15
