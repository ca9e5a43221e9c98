import { openCanvas } from '../report/canvas.js'
import { intervalChart } from '../report/charts.js'
import { decimal } from '../report/format.js'
import { chartHtml, pageHtml, tableHtml } from '../report/html.js'
import type { Estimate } from '../stats/interval.js'

/** One figure of one candidate. */
interface Figure {
  readonly measure: string
  readonly figure: string
  readonly candidate: string
  readonly rounds: readonly (number | null)[]
  readonly value: Estimate | null
  readonly ratio: Estimate | null
}

interface Context {
  readonly facts: readonly string[]
  /** Why the run is incomplete; null if it is complete. */
  readonly partial: string | null
  /** Of the table. */
  readonly rows: readonly (readonly string[])[]
  /** The JSON document, which the page contains. */
  readonly document: object
}

/** Returns a run as an HTML page, with a chart per figure. */
export async function dropInPage(
  figures: readonly Figure[],
  { facts, partial, rows, document }: Context,
): Promise<string> {
  const canvas = await openCanvas()
  const groups = new Map<string, Figure[]>()
  for (const one of figures) {
    const title = `${one.measure}: ${one.figure}`
    groups.set(title, [...(groups.get(title) ?? []), one])
  }
  const charts = [...groups].map(([title, [first, ...others]], index) => {
    const intervals = [first, ...others].flatMap(({ candidate: name, value, ratio, rounds: values }) => {
      if (value === null) return []
      const { median: estimate, low, high } = value
      const ofBase = name === 'dgram' || ratio === null ? '' : ` (×${decimal(ratio.median, 3)})`
      return [{ name, estimate, low, high, values, label: `${decimal(estimate, 1)}${ofBase}` }]
    })
    const caption =
      'Less is better; × is the ratio to node:dgram. Medians of the rounds with their intervals; each small dot is a round.'
    return intervalChart(canvas, { id: `figure-${index + 1}`, title, caption }, { label: first.figure }, intervals)
  })
  return pageHtml({
    title: 'batchconn/dgram and node:dgram',
    problems: partial === null ? [] : [`Partial result: ${partial}`],
    facts,
    body: [...charts.map(chartHtml), tableHtml({ title: 'All figures', rows })],
    data: JSON.stringify(document, null, 2),
  })
}
