import { readFileSync } from 'node:fs'
import { writeText } from '../cli/files.js'
import { type Canvas, type Chart, openCanvas } from './charts.js'
import { asJson, printResult, reasonOf } from './document.js'
import { type TableModel, tableText } from './format.js'

type List = readonly [title: string, lines: readonly string[]]

/** The result of a command, as all its formats are made from it. Titles of tables and lists may be empty: the text then has none. */
export interface Report {
  readonly title: string
  /** Why the result is incomplete; null if it is complete. */
  readonly partial: string | null
  /** What was measured, how, and where. */
  readonly facts: readonly string[]
  /** By the id of the chart that they are below on the page. */
  readonly tables: Readonly<Record<string, readonly TableModel[]>>
  readonly lists: readonly List[]
  /** What makes the result misleading. */
  readonly warnings: readonly string[]
  /** Default: true. */
  readonly isReliable?: boolean
  /** What the tables mean, in sentences. */
  readonly answer: List
  readonly charts: (canvas: Canvas) => readonly Chart[]
  /** For `--json`. The page contains it. */
  readonly document: object | string
  /** For `--csv`. */
  readonly results: readonly object[]
}

type Formats = Readonly<{ json: boolean; csv?: boolean; html: string | undefined }>

/**
 * Prints a report in the format of the plan, and writes its page. First it prints, so that an error with the file loses nothing.
 *
 * @param error - what ended the measurement early. @throws it
 */
export async function printReport(plan: Formats, report: Report, error?: unknown): Promise<void> {
  printResult(plan, report.document, reportText(report), report.results)
  if (plan.html !== undefined) writeText(plan.html, await reportHtml(report))
  if (error !== undefined) throw error
}

export function reportText({ partial, facts, tables, lists, warnings, answer }: Report): string {
  const list = ([title, lines]: List) =>
    (title === '' ? lines : [title, ...lines.map((line) => `  ${line}`)]).join('\n')
  const paragraphs = [
    partial === null ? '' : `PARTIAL RESULT: ${partial}`,
    facts.join('\n'),
    ...Object.values(tables).flat().map(tableText),
    ...[...lists, ['', warnings] as const, answer].filter(([, lines]) => lines.length > 0).map(list),
  ]
  return paragraphs.filter(Boolean).join('\n\n')
}

/** Returns a report as one HTML page that loads nothing else. Colours follow the reader's scheme. */
export async function reportHtml({ title, partial, facts, tables, lists, ...report }: Report): Promise<string> {
  const charts = report.charts(await openCanvas())
  const below = (id: string) => (tables[id] ?? []).map(tableHtml)
  const others = Object.keys(tables).filter((id) => charts.every((chart) => chart.id !== id))
  const problems = [...(partial === null ? [] : [`Partial result: ${partial}`]), ...report.warnings]
  const isReliable = report.isReliable ?? true
  const heading = isReliable ? 'Warnings' : 'This result is not reliable'
  const body = [
    problems.length === 0
      ? ''
      : `<section${isReliable ? '' : ' class="unreliable"'}>${listHtml([heading, problems], '')}</section>`,
    `<p class="facts">${facts.map(text).join('<br>\n')}</p>`,
    listHtml(report.answer, 'What it means'),
    ...charts.flatMap((chart) => [chartHtml(chart), ...below(chart.id)]),
    ...others.flatMap(below),
    ...lists.map((one) => listHtml(one, 'Notes')),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${STYLE}</style>
<h1>${text(title)}</h1>
${body.join('\n')}
<h2>Raw data</h2>
<details><summary>The JSON document of this run</summary><pre id="data">${text(asJson(report.document))}</pre></details>
</html>
`
}

function listHtml([title, items]: List, otherTitle: string): string {
  if (items.length === 0) return ''
  const lines = items.map((item) => `<li${/^disagrees: /.test(item) ? ' class="disagrees"' : ''}>${text(item)}</li>`)
  return `<h2>${text(title || otherTitle)}</h2>\n<ul>\n${lines.join('\n')}\n</ul>`
}

function chartHtml({ id, title, caption, keys, svg }: Chart): string {
  const legend = keys.map(({ label, color }) => `<li><span style="color:${color}">■</span> ${text(label)}</li>`)
  return `<h2>${text(title)}</h2>
${legend.length === 0 ? '' : `<ul class="keys">${legend.join('')}</ul>`}
<figure id="${id}">${svg}</figure><p class="caption">${text(caption)}</p>`
}

function tableHtml({ title, rows: [heads, ...rows] }: TableModel): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((one) => `<${tag}${one.length > LONG_TEXT ? ' class="long"' : ''}>${text(one)}</${tag}>`).join('')}</tr>`
  const lines = [row(heads, 'th'), ...rows.map((cells) => row(cells, 'td'))]
  return `<div class="figures"><table><caption>${text(title || 'All quantities')}</caption>\n${lines.join('\n')}\n</table></div>`
}

function text(plain: string): string {
  return plain.replace(/[&<>"]/g, (sign) => ENTITIES[sign])
}

/** Describes why only some rounds are complete: what ended them early; null if all are. */
export function partialReason(run: { plan: { rounds: number }; rounds: number; error: unknown }): string | null {
  if (run.error === undefined) return null
  return `${run.rounds} of ${run.plan.rounds} rounds are complete (${reasonOf(run.error)})`
}

/** Longer cells are wrapped. */
const LONG_TEXT = 36
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const STYLE = readFileSync(`${__dirname}/report.css`, 'utf8')
