import { openCanvas } from '../report/canvas.js'
import { intervalChart } from '../report/charts.js'
import { decimal } from '../report/format.js'
import { chartHtml, type Page, pageHtml, tableHtml } from '../report/html.js'
import type { Estimate } from '../stats/interval.js'

interface Figure extends Record<'measure' | 'figure' | 'candidate', string> {
  readonly rounds: readonly (number | null)[]
  readonly value: Estimate | null
  readonly ratio: Estimate | null
}

/** Returns a run as an HTML page, with a chart per figure. @param rows - of its table */
export async function dropInPage(
  figures: readonly Figure[],
  rows: readonly (readonly string[])[],
  page: Pick<Page, 'partial' | 'facts' | 'data'>,
): Promise<string> {
  const canvas = await openCanvas()
  const titles = new Set(figures.map(titleOf))
  const charts = [...titles].flatMap((title, index) => {
    const shown = figures.filter((one) => titleOf(one) === title)
    return intervalChart(canvas, {
      ...{ id: `figure-${index + 1}`, title, label: shown[0].figure, format: (value) => decimal(value, 1) },
      caption:
        'Less is better; × is the ratio to node:dgram. Medians of the rounds with their intervals; each small dot is a round.',
      rows: shown.map(({ candidate: name, value, ratio, rounds: points }) => {
        return {
          name,
          value,
          points,
          note: name === 'dgram' || ratio === null ? '' : ` (×${decimal(ratio.median, 3)})`,
        }
      }),
    })
  })
  const body = [...charts.map(chartHtml), tableHtml({ title: 'All figures', rows })]
  return pageHtml({ title: 'batchconn/dgram and node:dgram', problems: [], body, ...page })
}

function titleOf({ measure, figure }: Figure): string {
  return `${measure}: ${figure}`
}
