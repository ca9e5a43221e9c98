import type { LineFigure } from '../../analysis/lines.js'
import type { ProfileDocument, SampleRow } from '../document.js'
import { type Canvas, CHART_WIDTH, type Chart, LINE_COLORS } from './chart.js'

/** Cost a message over batch size, a picture for sending, one for trains and one for receiving: T(n)/n = b + a/n. */
export function lineCharts(canvas: Canvas, { lines, samples }: ProfileDocument): Chart[] {
  const groups = [
    { id: 'lines-send', title: 'The lines of sending', of: /^send/ },
    { id: 'lines-trains', title: 'The lines of trains (GSO)', of: /^gso/ },
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
  const color = (name: string) => LINE_COLORS[lines.findIndex((line) => line.name === name)]
  const fitted = lines.flatMap(({ name, a, b, points }) => {
    const largest = points.at(-1)?.n ?? 1
    return steps(points[0]?.n ?? 1, largest).map((n) => ({
      name,
      n,
      y: b.estimate + a.estimate / n,
      low: b.low + a.low / n,
      high: b.high + a.high / n,
    }))
  })
  const measured = lines.flatMap(({ name, points }) =>
    points.map(({ n, nanoseconds: { estimate, low, high } }) => ({
      name,
      n,
      y: estimate / n,
      title: `${name}, ${n}: ${(estimate / n).toFixed(0)} ns [${(low / n).toFixed(0)}, ${(high / n).toFixed(0)}]`,
    })),
  )
  const raw = lines.flatMap(({ name, points }) =>
    points.flatMap(({ n }) => {
      const row = samples.find((one) => one.id === `line/${name.replace(' ', '-')}/${n}`)
      return (row?.nanoseconds ?? []).map((value) => ({ name, n, y: value / n }))
    }),
  )
  const largest = Math.max(...measured.map(({ y }) => y))
  const shown = raw.filter(({ y }) => y <= largest * HEADROOM)
  const ceilings = lines.map(({ name, b }) => ({ name, y: b.estimate }))
  const cut = raw.length - shown.length
  return {
    id,
    title,
    caption:
      'T(n) = a + b n, drawn as the cost of a message, T(n)/n, so that all batch sizes can be read. The dashed line is b, ' +
      'the ceiling of what batching can gain; the band is what the intervals of a and b allow; the small dots are the raw ' +
      `samples${cut === 0 ? '.' : `, ${cut} of which lie above the picture.`}`,
    keys: lines.map(({ name, a, b, mostGain }) => ({
      label: `${name}: ${a.estimate.toFixed(0)} + ${b.estimate.toFixed(0)} n ns, at most +${Math.max(0, mostGain.estimate * 100).toFixed(0)} %`,
      color: color(name),
    })),
    svg: draw({
      width: CHART_WIDTH,
      height: 380,
      marginLeft: 64,
      marginBottom: 44,
      x: { type: 'log', base: 2, label: 'messages in a batch', grid: true, tickFormat: 'd' },
      y: { label: 'nanoseconds a message', grid: true, domain: [0, largest * HEADROOM] },
      marks: [
        Plot.dot(shown, { x: 'n', y: 'y', r: 1.2, fill: ({ name }) => color(name), fillOpacity: 0.25 }),
        ...lines.map(({ name }) =>
          Plot.areaY(
            fitted.filter((one) => one.name === name),
            { x: 'n', y1: 'low', y2: 'high', fill: color(name), fillOpacity: 0.2 },
          ),
        ),
        ...lines.map(({ name }) =>
          Plot.lineY(
            fitted.filter((one) => one.name === name),
            { x: 'n', y: 'y', stroke: color(name), strokeWidth: 1.5 },
          ),
        ),
        Plot.ruleY(ceilings, { y: 'y', stroke: ({ name }) => color(name), strokeDasharray: '4,4', strokeOpacity: 0.8 }),
        Plot.dot(measured, { x: 'n', y: 'y', r: 3.5, fill: ({ name }) => color(name), title: 'title' }),
      ],
    }),
  }
}

/** Batch sizes close enough for a curve. */
function steps(smallest: number, largest: number): number[] {
  const count = 48
  return Array.from({ length: count + 1 }, (_, index) => smallest * (largest / smallest) ** (index / count))
}

const HEADROOM = 1.15
