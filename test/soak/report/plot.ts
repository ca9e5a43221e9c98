import { openCanvas } from '../../../bench/report/charts.js'
import type { SoakResult } from '../control/conduct.js'

/** Returns an SVG document of the run: datagrams per second, memory and descriptors of each process over time. */
export async function plotOf({ processes }: SoakResult): Promise<string> {
  const { Plot, draw } = await openCanvas()
  const points = Object.entries(processes).flatMap(([process, { samples }]) =>
    samples.map(({ seconds, delivered, rss, heapUsed, descriptors }, index) => {
      const before = samples[Math.max(0, index - 1)]
      const elapsed = Math.max(seconds - before.seconds, 0.001)
      const perSecond = (delivered - before.delivered) / elapsed
      return { process, seconds, perSecond, rss: rss / 2 ** 20, heapUsed: heapUsed / 2 ** 20, descriptors }
    }),
  )
  const charts = CHARTS.map(([y, label], index) =>
    draw({
      width: WIDTH,
      height: HEIGHT,
      marginLeft: 60,
      marginRight: 90,
      x: { label: 'seconds' },
      y: { label, grid: true, zero: true },
      marks: [
        Plot.lineY(points, { x: 'seconds', y, stroke: 'process' }),
        Plot.text(
          points,
          Plot.selectLast({ x: 'seconds', y, z: 'process', text: 'process', dx: 6, textAnchor: 'start' }),
        ),
      ],
    }).replace('<svg', `<svg y="${index * HEIGHT}"`),
  )
  const size = `width="${WIDTH}" height="${HEIGHT * CHARTS.length}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif">${charts.join('\n')}</svg>\n`
}

const CHARTS = [
  ['perSecond', 'datagrams received per second'],
  ['rss', 'resident memory, MiB'],
  ['heapUsed', 'heap after a collection, MiB'],
  ['descriptors', 'open descriptors'],
] as const

const WIDTH = 920
const HEIGHT = 220
