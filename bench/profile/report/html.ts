import { readFileSync } from 'node:fs'
import { drawCharts } from './charts/charts.js'
import type { ProfileDocument } from './document.js'
import { figureHtml, listHtml, samplesHtml, text } from './html-parts.js'
import { ladderTable, linesTable } from './html-tables.js'

/** A report in one file that needs nothing else: pictures are drawn beforehand, colours follow the reader's scheme. */
export async function htmlReport(document: ProfileDocument): Promise<string> {
  const charts = await drawCharts(document)
  const tables: Readonly<Record<string, string>> = {
    ladder: ladderTable(document),
    'lines-send': linesTable(document),
  }
  const { machine, subject, place, measuring, noise, trust, answer, crossChecks, startedAt } = document
  const caveats = [...trust.failures.map((one) => `Not to be trusted: ${one}`), ...trust.warnings]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Where the time of a batch goes</title>
<style>${STYLE}</style>
<main>
<h1>Where the time of a batch goes</h1>
<p class="facts">${text(
    `Linux ${machine.kernel}, ${machine.cpu}, ${machine.cores} processors, Node ${machine.node}, Koffi ${machine.koffi}. ` +
      `${subject.sizeBytes} bytes of payload, batches of ${subject.batch}. ${startedAt.slice(0, 10)}, ` +
      `${measuring.rounds} rounds, ${noise.blocks} blocks, ${noise.interrupted} interrupted, ${noise.outliers} outliers.`,
  )}</p>
<p class="facts">${text(place.explanation)}</p>
<h2>What limits sendmmsg</h2>
${listHtml(answer)}
${caveats.length === 0 ? '' : `<h2>Caveats</h2>\n${listHtml(caveats)}`}
${charts.map((chart) => figureHtml(chart) + (tables[chart.id] ?? '')).join('\n')}
<h2>Cross-checks</h2>
${listHtml(crossChecks.map(({ name, by, verdict, text: words }) => `${verdict}: ${name} (${by}): ${words}`))}
<h2>Raw samples</h2>
${samplesHtml(document)}
</main>
</html>
`
}

const STYLE = readFileSync(`${__dirname}/report.css`, 'utf8')
