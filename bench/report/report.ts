import { writeText } from '../cli/files.js'
import { type Canvas, type Chart, openCanvas } from './charts.js'
import { printResult, reasonOf } from './document.js'
import { type TableModel, table } from './format.js'
import { chartHtml, listHtml, pageHtml, tableHtml } from './html.js'

/** The result of a command, as all its formats are made from it. */
export interface Report {
  readonly title: string
  /** Why the result is incomplete; null if it is complete. */
  readonly partial: string | null
  /** What was measured, how, and where. */
  readonly facts: readonly string[]
  readonly rows: TableModel['rows']
  readonly notes: readonly string[]
  /** Facts that make a figure misleading. */
  readonly warnings: readonly string[]
  /** What the table means, in sentences. */
  readonly answer: readonly string[]
  readonly charts: (canvas: Canvas) => readonly Chart[]
  /** For `--json`. The page contains it. */
  readonly document: object
  /** For `--csv`. */
  readonly results: readonly object[]
}

interface Formats {
  readonly json: boolean
  readonly csv: boolean
  readonly html: string | undefined
}

/** Prints a report in the format of the plan, and writes its page. First it prints, so that an error with the file loses nothing. */
export async function printReport(plan: Formats, report: Report): Promise<void> {
  printResult(plan, report.document, reportText(report), report.results)
  if (plan.html !== undefined) writeText(plan.html, await reportHtml(report))
}

function reportText({ partial, facts, rows, notes, warnings, answer }: Report): string {
  const paragraphs = [
    partial === null ? [] : [`PARTIAL RESULT: ${partial}`],
    facts,
    [table(rows)],
    [...notes, ...warnings],
    answer,
  ]
  return paragraphs.flatMap((lines) => (lines.length === 0 ? [] : [lines.join('\n')])).join('\n\n')
}

export async function reportHtml({ title, partial, facts, warnings, ...report }: Report): Promise<string> {
  return pageHtml({
    title,
    partial,
    problems: warnings,
    facts,
    body: [
      listHtml('What it means', report.answer),
      ...report.charts(await openCanvas()).map(chartHtml),
      tableHtml({ title: 'All quantities', rows: report.rows }),
      listHtml('Notes', report.notes),
    ],
    data: report.document,
  })
}

interface Interruptible {
  readonly plan: { readonly rounds: number }
  /** Number of complete rounds. */
  readonly rounds: number
  /** What ended the measurement early; undefined if it is complete. */
  readonly error: unknown
}

/** Describes why a run is incomplete; null if it is complete. */
export function partialReason({ plan, rounds, error }: Interruptible): string | null {
  return error === undefined ? null : `${rounds} of ${plan.rounds} rounds are complete (${reasonOf(error)})`
}
