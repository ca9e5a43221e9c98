import { machineLine } from '../../report/document.js'
import { counted, percent } from '../../report/format.js'
import type { Report } from '../../report/report.js'
import { drawCharts, tablesOf } from './charts.js'
import { documentText, type ProfileDocument } from './document.js'

export function profileReport(document: ProfileDocument): Report {
  const { machine, target, subject, measuring, samples, seconds, noise, startedAt, crossChecks, withRoot } = document
  const { isReliable, failures, warnings } = document.reliability
  const rounds = counted(measuring.rounds, 'round')
  const problems = [...failures.map((one) => `NOT RELIABLE: ${one}`), ...warnings.map((one) => `warning: ${one}`)]
  const checks = crossChecks.map(({ name, by, verdict, text }) => {
    const meaning = verdict === 'disagrees' && by !== 'strace -c' ? `. ${DISAGREEMENT}` : ''
    return `${verdict}: ${name} (${by}): ${text}${meaning}`
  })
  return {
    title: 'The cost of a batch of datagrams',
    partial: measuring.endedBy === 'interruption' ? `interrupted after ${rounds}` : null,
    facts: [
      machineLine(machine),
      `${target.name}: ${target.explanation}`,
      `${subject.sizeBytes} bytes of payload, batches of ${subject.batch}; ${samples.length} cases, ` +
        `${rounds} in ${seconds.toFixed(0)} s on ${startedAt.slice(0, 10)}; ` +
        `${measuring.isRealTime ? 'real-time' : 'ordinary'} scheduling`,
      `${noise.samples} samples: ${noise.interrupted} interrupted, ${noise.withCollections} with garbage collections, ` +
        `${noise.outliers} outliers; the machine's speed varied by ${percent(noise.drift)}`,
      'Times are nanoseconds per message, with 95 % intervals, unless stated otherwise.',
    ],
    tables: tablesOf(document),
    lists: [
      ['Cross-checks', checks],
      ['Not measured here', measuring.unmeasured.map(({ id, reason }) => `${id}: ${reason}`)],
      ['Root would add', withRoot],
      ['', problems.length === 0 ? ['No problems detected.'] : []],
    ],
    warnings: problems,
    isReliable,
    answer: ['What limits sendmmsg', document.answer],
    charts: (canvas) => drawCharts(canvas, document),
    document: documentText(document),
    results: [],
  }
}

const DISAGREEMENT =
  'This source is less precise than the cost breakdown: treat the components that it concerns as estimates, and repeat the ' +
  'run on an idle machine'
