import { readFileSync } from 'node:fs'
import type { Chart } from './charts.js'
import type { TableModel } from './format.js'

export interface Page {
  readonly title: string
  /** Why the result is incomplete; null if it is complete. */
  readonly partial: string | null
  /** What makes the result misleading or unreliable. Above everything else. */
  readonly problems: readonly string[]
  readonly isReliable?: boolean
  readonly facts: readonly string[]
  /** Sections, as HTML. */
  readonly body: readonly string[]
  /** The JSON document, which the page contains. */
  readonly data: object | string
}

/** Returns a report as one HTML file that loads nothing else. Colours follow the reader's scheme. */
export function pageHtml({ title, partial, problems, isReliable = true, facts, body, data }: Page): string {
  const lines = [...(partial === null ? [] : [`Partial result: ${partial}`]), ...problems]
  const [name, heading] = isReliable ? ['warnings', 'Warnings'] : ['unreliable', 'This result is not reliable']
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${STYLE}</style>
<h1>${text(title)}</h1>
${lines.length === 0 ? '' : `<section class="${name}">${listHtml(heading, lines)}</section>`}
<p class="facts">${facts.map(text).join('<br>\n')}</p>
${body.join('\n')}
<h2>Raw data</h2>
<details><summary>The JSON document of this run</summary><pre id="data">${text(typeof data === 'string' ? data : JSON.stringify(data, null, 2))}</pre></details>
</html>
`
}

/** Returns a section with a list; nothing for an empty list. */
export function listHtml(title: string, items: readonly string[]): string {
  if (items.length === 0) return ''
  const lines = items.map((item) => `<li${/^disagrees: /.test(item) ? ' class="disagrees"' : ''}>${text(item)}</li>`)
  return `<h2>${text(title)}</h2>\n<ul>\n${lines.join('\n')}\n</ul>`
}

export function chartHtml({ id, title, caption, keys, svg }: Chart): string {
  const legend = keys.map(({ label, color }) => `<li><span style="color:${color}">■</span> ${text(label)}</li>`)
  return `<h2>${text(title)}</h2>
${legend.length === 0 ? '' : `<ul class="keys">${legend.join('')}</ul>`}
<figure id="${id}">${svg}</figure><p class="caption">${text(caption)}</p>`
}

export function tableHtml({ title, rows: [heads, ...rows] }: TableModel): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((one) => `<${tag}${one.length > LONG_TEXT ? ' class="long"' : ''}>${text(one)}</${tag}>`).join('')}</tr>`
  const lines = [row(heads, 'th'), ...rows.map((cells) => row(cells, 'td'))]
  return `<div class="figures"><table><caption>${text(title)}</caption>\n${lines.join('\n')}\n</table></div>`
}

function text(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => ENTITIES[sign])
}

/** Longer cells are wrapped. */
const LONG_TEXT = 36
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const STYLE = readFileSync(`${__dirname}/report.css`, 'utf8')
