import { readFileSync } from 'node:fs'
import type { Chart } from '../../report/canvas.js'
import { machineLine } from '../../report/document.js'
import { counted } from '../../report/format.js'
import type { TableModel } from '../../report/table.js'
import { drawCharts } from './charts.js'
import type { ProfileDocument, SampleRow } from './document.js'
import * as tables from './tables.js'

/** Returns the report as one HTML file that loads nothing else. Charts are SVG; colours follow the reader's scheme. */
export async function htmlReport(document: ProfileDocument): Promise<string> {
  const { machine, subject, target, measuring, noise, answer, startedAt, withRoot, breakdowns } = document
  const tablesOf: Readonly<Record<string, readonly TableModel[]>> = {
    breakdown: breakdowns.map(tables.breakdownTable),
    'lines-send': [tables.linesTable(document), tables.gainsTable(document)],
    encoders: [tables.encodersTable(document), tables.crossingsTable(document)],
  }
  const charts = (await drawCharts(document)).map(
    (chart) => figureHtml(chart) + (tablesOf[chart.id] ?? []).map(tableHtml).join('\n'),
  )
  const facts =
    `${machineLine(machine)}. ${subject.sizeBytes} bytes of payload, batches of ${subject.batch}. ${startedAt.slice(0, 10)}, ` +
    `${counted(measuring.rounds, 'round')}, ${noise.samples} samples, ${noise.interrupted} interrupted, ${noise.outliers} outliers.`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The cost of a batch of datagrams</title>
<style>${STYLE}</style>
<main>
<h1>The cost of a batch of datagrams</h1>
${problemsHtml(document)}
<p class="facts">${text(facts)}</p>
<p class="facts">${text(target.explanation)}</p>
${section('Root would add', withRoot)}
${section('What limits sendmmsg', answer)}
${charts.join('\n')}
<h2>Cross-checks</h2>
${listHtml(tables.checkLines(document))}
${section('Not measured here', tables.unmeasuredLines(document))}
<h2>Samples</h2>
${samplesHtml(document)}
</main>
</html>
`
}

/** What makes the result incomplete or unreliable, above everything else. */
function problemsHtml(document: ProfileDocument): string {
  const { isReliable, failures, warnings } = document.reliability
  const lines = [
    ...tables.partialResult(document).map((reason) => `Partial result: ${reason}`),
    ...failures,
    ...warnings,
  ]
  if (lines.length === 0) return ''
  const title = isReliable ? 'Warnings' : 'This result is not reliable'
  return `<section class="${isReliable ? 'warnings' : 'unreliable'}"><h2>${title}</h2>${listHtml(lines)}</section>`
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `<h2>${text(title)}</h2>\n${listHtml(lines)}`
}

function listHtml(items: readonly string[]): string {
  const lines = items.map((item) => {
    const verdict = /^(agrees|disagrees|unavailable): /.exec(item)?.[1]
    return `<li${verdict === undefined ? '' : ` class="${verdict}"`}>${text(item)}</li>`
  })
  return `<ul>\n${lines.join('\n')}\n</ul>`
}

function figureHtml({ id, title, caption, keys, svg }: Chart): string {
  const legend = keys.map(({ label, color }) => `<li><span style="background:${color}"></span>${text(label)}</li>`)
  return `<h2>${text(title)}</h2>
${legend.length === 0 ? '' : `<ul class="keys">${legend.join('')}</ul>`}
<figure id="${id}">${svg}</figure><p class="caption">${text(caption)}</p>`
}

function tableHtml({ title, rows: [heads, ...rows] }: TableModel): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((one) => `<${tag}${one.length > LONG_TEXT ? ' class="long"' : ''}>${text(one)}</${tag}>`).join('')}</tr>`
  const lines = [row(heads, 'th'), ...rows.map((cells) => row(cells, 'td'))]
  return `<div class="figures"><table><caption>${text(title)}</caption>\n${lines.join('\n')}\n</table></div>`
}

function samplesHtml({ samples }: ProfileDocument): string {
  const groups = new Map<string, SampleRow[]>()
  for (const row of samples) {
    const group = row.id.split('/', 2).join('/')
    groups.set(group, [...(groups.get(group) ?? []), row])
  }
  const explanation =
    'Nanoseconds per operation, in the order of measuring: i interrupted (counts by the running time of its thread), ' +
    's short of messages (does not count), g with garbage collections, o an outlier.'
  const parts = [...groups].map(([group, rows]) => {
    const lines = rows.map(({ id, nanoseconds, marks }) => {
      const values = nanoseconds.map((value, index) => `${value}${marks[index] === '.' ? '' : marks[index]}`)
      return `<tr><td>${text(id)}</td><td style="text-align:left"><code>${values.join(' ')}</code></td></tr>`
    })
    return `<details><summary>${text(group)}</summary><div><table>${lines.join('\n')}</table></div></details>`
  })
  return `<p class="facts">${text(explanation)}</p>\n${parts.join('\n')}`
}

function text(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => ENTITIES[sign])
}

/** Longer cells are wrapped. */
const LONG_TEXT = 36
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const STYLE = readFileSync(`${__dirname}/report.css`, 'utf8')
