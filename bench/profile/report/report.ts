import { machineLine } from '../../report/document.js'
import { counted, percent, tableText } from '../../report/format.js'
import { chartHtml, listHtml, pageHtml, tableHtml } from '../../report/html.js'
import { drawCharts, tablesOf } from './charts.js'
import { documentText, type ProfileDocument } from './document.js'

export function terminalReport(document: ProfileDocument): string {
  const { failures, warnings } = document.reliability
  const problems = [...failures.map((one) => `NOT RELIABLE: ${one}`), ...warnings.map((one) => `warning: ${one}`)]
  const partial = partialReason(document)
  const sections = [
    partial === null ? '' : `PARTIAL RESULT: ${partial}`,
    factsOf(document).join('\n'),
    ...Object.values(tablesOf(document)).flat().map(tableText),
    ...listsOf(document).map(list),
    problems.length === 0 ? 'No problems detected.' : list(['Problems', problems]),
    list(answerOf(document)),
  ]
  return sections.filter(Boolean).join('\n\n')
}

export async function htmlReport(document: ProfileDocument): Promise<string> {
  const { isReliable, failures, warnings } = document.reliability
  const shown = tablesOf(document)
  const charts = await drawCharts(document)
  return pageHtml({
    title: 'The cost of a batch of datagrams',
    partial: partialReason(document),
    problems: [...failures, ...warnings],
    isReliable,
    facts: factsOf(document),
    body: [
      listHtml(...answerOf(document)),
      ...charts.map((chart) => [chartHtml(chart), ...(shown[chart.id] ?? []).map(tableHtml)].join('\n')),
      ...listsOf(document).map((one) => listHtml(...one)),
    ],
    data: documentText(document),
  })
}

function partialReason({ measuring: { endedBy, rounds } }: ProfileDocument): string | null {
  return endedBy === 'interruption' ? `interrupted after ${counted(rounds, 'round')}` : null
}

function factsOf({
  machine,
  target,
  subject,
  measuring,
  samples,
  seconds,
  noise,
  startedAt,
}: ProfileDocument): string[] {
  return [
    machineLine(machine),
    `${target.name}: ${target.explanation}`,
    `${subject.sizeBytes} bytes of payload, batches of ${subject.batch}; ${samples.length} cases, ` +
      `${counted(measuring.rounds, 'round')} in ${seconds.toFixed(0)} s on ${startedAt.slice(0, 10)}; ` +
      `${measuring.isRealTime ? 'real-time' : 'ordinary'} scheduling`,
    `${noise.samples} samples: ${noise.interrupted} interrupted, ${noise.withCollections} with garbage collections, ` +
      `${noise.outliers} outliers; the machine's speed varied by ${percent(noise.drift)}`,
    'Times are nanoseconds per message, with 95 % intervals, unless stated otherwise.',
  ]
}

type List = readonly [title: string, lines: readonly string[]]

function listsOf({ crossChecks, measuring: { unmeasured }, withRoot }: ProfileDocument): List[] {
  const checks = crossChecks.map(({ name, by, verdict, text }) => {
    const meaning = verdict === 'disagrees' && by !== 'strace -c' ? `. ${DISAGREEMENT}` : ''
    return `${verdict}: ${name} (${by}): ${text}${meaning}`
  })
  return [
    ['Cross-checks', checks],
    ['Not measured here', unmeasured.map(({ id, reason }) => `${id}: ${reason}`)],
    ['Root would add', withRoot],
  ]
}

function answerOf({ answer }: ProfileDocument): List {
  return ['What limits sendmmsg', answer]
}

function list([title, lines]: List): string {
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')
}

const DISAGREEMENT =
  'This source is less precise than the cost breakdown: treat the components that it concerns as estimates, and repeat the ' +
  'run on an idle machine'
