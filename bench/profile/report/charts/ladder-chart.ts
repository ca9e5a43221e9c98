import type { ProfileDocument } from '../document.js'
import { type Canvas, CHART_WIDTH, type Chart, COLORS } from './chart.js'

/** A stacked bar for each way of sending and receiving, and the whole measured directly as a tick with its interval. */
export function ladderChart({ Plot, draw }: Canvas, { ladder }: ProfileDocument): Chart {
  const nameOf = ({ mode, connected }: (typeof ladder)[number]) => (connected ? `${mode}, connected` : mode)
  const bars = ladder.flatMap((one) => {
    let from = 0
    return one.rungs.map(({ name, label, nanoseconds, includesZero }) => {
      const x1 = from
      from += Math.max(0, nanoseconds.estimate)
      const { estimate, low, high } = nanoseconds
      const interval = `${estimate.toFixed(1)} ns [${low.toFixed(1)}, ${high.toFixed(1)}]`
      const title = `${nameOf(one)}: ${label}: ${interval}${includesZero ? ', cannot be told from zero' : ''}`
      return { mode: nameOf(one), x1, x2: from, color: COLORS[name], title, opacity: includesZero ? 0.35 : 1 }
    })
  })
  const wholes = ladder.map((one) => ({ mode: nameOf(one), ...one.whole }))
  const used = new Map(ladder.flatMap(({ rungs }) => rungs.map(({ name, label }) => [name, label] as const)))
  return {
    id: 'ladder',
    title: 'The ladder: what a message costs, part by part',
    caption:
      'Each part is the difference of two measured things; a pale part cannot be told from zero. The mark is the whole ' +
      'send measured directly, with its 95 % interval.',
    keys: [...used].map(([name, label]) => ({ label, color: COLORS[name] })),
    svg: draw({
      width: CHART_WIDTH,
      height: 60 + ladder.length * 44,
      marginLeft: 160,
      marginBottom: 44,
      x: { label: 'nanoseconds a message', grid: true, nice: true },
      y: { label: null, domain: ladder.map(nameOf), padding: 0.3 },
      marks: [
        Plot.barX(bars, { x1: 'x1', x2: 'x2', y: 'mode', fill: 'color', fillOpacity: 'opacity', title: 'title' }),
        Plot.tickX(wholes, { x: 'estimate', y: 'mode', stroke: 'currentColor', strokeWidth: 2 }),
        Plot.ruleY(wholes, { x1: 'low', x2: 'high', y: 'mode', stroke: 'currentColor', strokeWidth: 2 }),
        Plot.ruleX([0]),
      ],
    }),
  }
}
