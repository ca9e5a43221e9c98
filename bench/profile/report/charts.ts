import { type Canvas, type Chart, openCanvas } from '../../report/canvas.js'
import { type Breakdown, breakdownName, type ComponentName } from '../analysis/breakdown.js'
import { encoderId } from '../cases/cases.js'
import type { ProfileDocument } from './document.js'
import { lineCharts, throughputChart } from './line-charts.js'

/** Draws all charts of the report. */
export async function drawCharts(document: ProfileDocument): Promise<Chart[]> {
  const canvas = await openCanvas()
  return [
    breakdownChart(canvas, document),
    ...lineCharts(canvas, document),
    throughputChart(canvas, document),
    encoderChart(canvas, document),
  ]
}

/** A stacked bar per way to send or receive, and the whole measured directly as a mark with its interval. */
function breakdownChart({ Plot, draw }: Canvas, { breakdowns }: ProfileDocument): Chart {
  const bars = breakdowns.flatMap((breakdown) => barsOf(breakdown))
  const wholes = breakdowns.map((one) => ({ mode: breakdownName(one), ...one.whole }))
  const used = new Map(breakdowns.flatMap(({ components }) => components.map(({ name, label }) => [name, label])))
  return {
    id: 'breakdown',
    title: 'The cost of a message, by component',
    caption:
      'Each component is the difference of two measured cases; the difference of a pale one from zero is not significant. ' +
      'The mark is the whole send measured directly, with its 95 % interval.',
    keys: [...used].map(([name, label]) => ({ label, color: COLORS[name as ComponentName] })),
    svg: draw({
      height: 60 + breakdowns.length * 44,
      marginLeft: 160,
      marginBottom: 44,
      x: { label: 'nanoseconds per message', grid: true, nice: true },
      y: { label: null, domain: breakdowns.map(breakdownName), padding: 0.3 },
      marks: [
        Plot.barX(bars, { x1: 'x1', x2: 'x2', y: 'mode', fill: 'color', fillOpacity: 'opacity', title: 'title' }),
        Plot.tickX(wholes, { x: 'estimate', y: 'mode', stroke: 'currentColor', strokeWidth: 2 }),
        Plot.ruleY(wholes, { x1: 'low', x2: 'high', y: 'mode', stroke: 'currentColor', strokeWidth: 2 }),
        Plot.ruleX([0]),
      ],
    }),
  }
}

function barsOf(breakdown: Breakdown): object[] {
  const mode = breakdownName(breakdown)
  let from = 0
  return breakdown.components.map(({ name, label, nanoseconds, includesZero }) => {
    const { estimate, low, high } = nanoseconds
    const x1 = from
    from += Math.max(0, estimate)
    const interval = `${estimate.toFixed(1)} ns [${low.toFixed(1)}, ${high.toFixed(1)}]`
    const title = `${mode}: ${label}: ${interval}${includesZero ? ', not significantly different from zero' : ''}`
    return { mode, x1, x2: from, color: COLORS[name], title, opacity: includesZero ? 0.35 : 1 }
  })
}

/** Each encoder with its interval, at the breakdown's batch size. */
function encoderChart({ Plot, draw }: Canvas, { encoders, subject, samples }: ProfileDocument): Chart {
  const points = encoders.flatMap(({ name, points: all }) =>
    all
      .filter(({ batch }) => batch === subject.batch)
      .map(({ alone, heapBytes }) => ({
        name,
        ...alone,
        label: `${alone.estimate.toFixed(alone.estimate < 100 ? 1 : 0)} ns${heapBytes === null ? '' : `, ${heapBytes.toFixed(0)} B`}`,
        title: `${name}: ${alone.estimate.toFixed(1)} ns [${alone.low.toFixed(1)}, ${alone.high.toFixed(1)}]`,
      })),
  )
  const raw = encoders.flatMap(({ name }) => {
    const row = samples.find(({ id }) => id === encoderId(name, subject.batch, false))
    return (row?.nanoseconds ?? []).map((value) => ({ name, y: value / subject.batch }))
  })
  return {
    id: 'encoders',
    title: 'Preparing a message',
    caption:
      `Nanoseconds and bytes of heap to prepare a message of a batch of ${subject.batch}, without the system call, on a ` +
      `logarithmic scale; dots are samples. ${encoders.map(({ name, describe }) => `${name}: ${describe}`).join('; ')}.`,
    keys: [],
    svg: draw({
      height: 60 + points.length * 34,
      marginLeft: 130,
      marginRight: 120,
      marginBottom: 44,
      x: { type: 'log', label: 'nanoseconds per message', grid: true, tickFormat: ',', ticks: 5 },
      y: { label: null, domain: points.map(({ name }) => name) },
      marks: [
        Plot.dot(raw, { x: 'y', y: 'name', r: 1.2, fill: 'currentColor', fillOpacity: 0.25 }),
        Plot.ruleY(points, { x1: 'low', x2: 'high', y: 'name', stroke: '#d55e00', strokeWidth: 5 }),
        Plot.dot(points, { x: 'estimate', y: 'name', r: 5, fill: '#d55e00', title: 'title' }),
        Plot.text(points, { frameAnchor: 'right', y: 'name', text: 'label', dx: 12, textAnchor: 'start' }),
      ],
    }),
  }
}

/** Distinguishable with colour blindness (Okabe and Ito), on light and dark backgrounds. */
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
