import { contains, type Interval } from '../statistics/interval.js'
import type { ProfileDocument } from './document.js'
import { intervalCells, share } from './format-interval.js'
import { text } from './html-parts.js'

/** The ladder in figures: a row a rung, a column a way of sending or receiving. */
export function ladderTable({ ladder }: ProfileDocument): string {
  const heads = ladder.map(({ mode, connected }) => (connected ? `${mode}, connected` : mode))
  const labels = [...new Set(ladder.flatMap(({ rungs }) => rungs.map(({ label }) => label)))]
  const rows = labels.map((label) => [
    label,
    ...ladder.map(({ rungs }) => {
      const rung = rungs.find((one) => one.label === label)
      if (rung === undefined) return '–'
      return `${cell(rung.nanoseconds)}${rung.includesZero ? ' ≈ 0' : ''}`
    }),
  ])
  return tableHtml('Nanoseconds a message', [
    ['', ...heads],
    ...rows,
    ['sum', ...ladder.map(({ sum }) => cell(sum))],
    ['measured directly', ...ladder.map(({ whole }) => cell(whole))],
    [
      'the sum',
      ...ladder.map(({ sumWithinWhole, addsUp }) =>
        sumWithinWhole ? 'lies within it' : addsUp ? 'not apart beyond doubt' : 'is off',
      ),
    ],
  ])
}

/** The lines in figures: what a call and a message cost, and what batching can gain at the most. */
export function linesTable({ lines }: ProfileDocument): string {
  const rows = lines.map(({ name, a, b, mostGain, quality }) => [
    name,
    cell(a),
    cell(b),
    contains(b, 0) ? 'b cannot be told from 0' : gainCell(mostGain),
    quality.rSquared.toFixed(3),
    `${share(quality.worstDeviation)} at ${quality.worstAt}`,
  ])
  return tableHtml('Nanoseconds', [['', 'a, a call', 'b, a message', 'a/b', 'R²', 'farthest point'], ...rows])
}

function cell(value: Interval): string {
  return intervalCells(value).join('\n')
}

function gainCell({ estimate, low, high }: Interval): string {
  return `${share(estimate)}\n[${share(low)}, ${share(high)}]`
}

function tableHtml(caption: string, [heads, ...rows]: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((one) => `<${tag}>${text(one)}</${tag}>`).join('')}</tr>`
  const lines = [row(heads, 'th'), ...rows.map((cells) => row(cells, 'td'))]
  return `<div class="figures"><table><caption>${text(caption)}</caption>\n${lines.join('\n')}\n</table></div>`
}
