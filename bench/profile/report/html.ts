import { machineLine } from '../../report/document.js'
import { counted } from '../../report/format.js'
import { chartHtml, listHtml, pageHtml, tableHtml } from '../../report/html.js'
import type { TableModel } from '../../report/table.js'
import { drawCharts } from './charts.js'
import { documentText, type ProfileDocument } from './document.js'
import * as tables from './tables.js'

export async function htmlReport(document: ProfileDocument): Promise<string> {
  const { machine, subject, target, measuring, noise, answer, startedAt, withRoot, breakdowns } = document
  const { isReliable, failures, warnings } = document.reliability
  const tablesOf: Readonly<Record<string, readonly TableModel[]>> = {
    breakdown: breakdowns.map(tables.breakdownTable),
    'lines-send': [tables.linesTable(document), tables.gainsTable(document)],
    encoders: [tables.encodersTable(document), tables.crossingsTable(document)],
  }
  const charts = await drawCharts(document)
  return pageHtml({
    title: 'The cost of a batch of datagrams',
    partial: tables.partialResult(document)[0] ?? null,
    problems: [...failures, ...warnings],
    isReliable,
    facts: [
      `${machineLine(machine)}. ${subject.sizeBytes} bytes of payload, batches of ${subject.batch}. ${startedAt.slice(0, 10)}, ` +
        `${counted(measuring.rounds, 'round')}, ${noise.samples} samples, ${noise.interrupted} interrupted, ${noise.outliers} outliers.`,
      target.explanation,
    ],
    body: [
      listHtml('Root would add', withRoot),
      listHtml('What limits sendmmsg', answer),
      ...charts.map((chart) => [chartHtml(chart), ...(tablesOf[chart.id] ?? []).map(tableHtml)].join('\n')),
      listHtml('Cross-checks', tables.checkLines(document)),
      listHtml('Not measured here', tables.unmeasuredLines(document)),
    ],
    data: documentText(document),
  })
}
