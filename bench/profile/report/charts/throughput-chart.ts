import type { ProfileDocument } from '../document.js'
import { type Canvas, CHART_WIDTH, type Chart, LINE_COLORS } from './chart.js'

/** Messages a second over batch size, as the points of the lines have it. */
export function throughputChart({ Plot, draw }: Canvas, { lines, subject }: ProfileDocument): Chart {
  const color = (name: string) => LINE_COLORS[lines.findIndex((line) => line.name === name)]
  const points = lines.flatMap(({ name, points: all }) =>
    all.map(({ n, nanoseconds: { estimate, low, high } }) => ({
      name,
      n,
      y: (n / estimate) * 1e6,
      low: (n / high) * 1e6,
      high: (n / low) * 1e6,
      title: `${name}, ${n}: ${((n / estimate) * 1e6).toFixed(0)} thousand a second`,
    })),
  )
  return {
    id: 'throughput',
    title: 'Throughput over batch size',
    caption:
      `Thousands of ${subject.sizeBytes}-byte datagrams a second on one processor, with 95 % intervals, both axes by ` +
      'powers. Receiving takes datagrams that already wait. Trains that reach the sink uncut show what a device with ' +
      'perfect offload would leave to the processor.',
    keys: lines.map(({ name }) => ({ label: name, color: color(name) })),
    svg: draw({
      width: CHART_WIDTH,
      height: 380,
      marginLeft: 72,
      marginBottom: 44,
      x: { type: 'log', base: 2, label: 'messages in a batch', grid: true, tickFormat: 'd' },
      y: { type: 'log', label: 'thousand datagrams a second', grid: true, tickFormat: ',', ticks: 6 },
      marks: [
        Plot.lineY(points, { x: 'n', y: 'y', z: 'name', stroke: ({ name }) => color(name) }),
        Plot.ruleX(points, { x: 'n', y1: 'low', y2: 'high', stroke: ({ name }) => color(name), strokeWidth: 2 }),
        Plot.dot(points, { x: 'n', y: 'y', r: 3, fill: ({ name }) => color(name), title: 'title' }),
      ],
    }),
  }
}
