import type { ProfileDocument } from '../document.js'
import { type Canvas, CHART_WIDTH, type Chart } from './chart.js'

/** Each strategy as an interval, at the ladder's batch size. */
export function strategyChart({ Plot, draw }: Canvas, { strategies, subject, samples }: ProfileDocument): Chart {
  const points = strategies.flatMap(({ name, points: all }) =>
    all
      .filter(({ batch }) => batch === subject.batch)
      .map(({ alone, heapBytes }) => ({
        name,
        ...alone,
        label: `${alone.estimate.toFixed(alone.estimate < 100 ? 1 : 0)} ns${heapBytes === null ? '' : `, ${heapBytes.toFixed(0)} B`}`,
        title: `${name}: ${alone.estimate.toFixed(1)} ns [${alone.low.toFixed(1)}, ${alone.high.toFixed(1)}]`,
      })),
  )
  const raw = strategies.flatMap(({ name }) => {
    const row = samples.find(({ id }) => id === `strategy/${name}/alone/${subject.batch}`)
    return (row?.nanoseconds ?? []).map((value) => ({ name, y: value / subject.batch }))
  })
  return {
    id: 'strategies',
    title: 'Preparing a message',
    caption:
      `Nanoseconds and bytes of heap to make a message of a batch of ${subject.batch} ready, without the system call, by ` +
      'powers of ten; dots are raw samples. ' +
      strategies.map(({ name, describe }) => `${name}: ${describe}`).join('; ') +
      '.',
    keys: [],
    svg: draw({
      width: CHART_WIDTH,
      height: 60 + points.length * 34,
      marginLeft: 130,
      marginRight: 120,
      marginBottom: 44,
      x: { type: 'log', label: 'nanoseconds a message', grid: true, tickFormat: ',', ticks: 5 },
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
