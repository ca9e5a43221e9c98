import { checkWritable, readText, writeText } from '../cli/files.js'
import { Progress } from '../cli/progress.js'
import { compareDocuments, parseDocument } from './compare/compare.js'
import { comparisonText } from './compare/comparison-text.js'
import type { ProfilePlan } from './plan.js'
import { documentText, profileDocument } from './report/document.js'
import { htmlReport } from './report/html.js'
import { terminalReport } from './report/terminal.js'
import { runProfile } from './run.js'

/** Measures, and prints and writes the reports, also of an interrupted run. @throws what ended the run early */
export async function printProfile(plan: ProfilePlan, signal: AbortSignal): Promise<void> {
  if (plan.html !== undefined) checkWritable(plan.html)
  const run = await runProfile(plan, new Progress(plan.quiet), signal)
  if (process.stderr.isTTY && !plan.quiet) process.stderr.write('\r\x1b[K')
  const document = profileDocument(run)
  // First the text, so that an error with the file does not lose it.
  process.stdout.write(plan.json ? documentText(document) : `${terminalReport(document)}\n`)
  if (plan.html !== undefined) writeText(plan.html, await htmlReport(document))
  signal.throwIfAborted()
  if (!run.reliability.isReliable) process.exitCode = NOT_RELIABLE
}

/** Compares two documents of `--json`. */
export function printDiff({ before, after, json }: { before: string; after: string; json: boolean }): void {
  const [one, other] = [before, after].map((file) => parseDocument(file, readText(file)))
  const comparison = compareDocuments(one, other)
  process.stdout.write(`${json ? JSON.stringify(comparison, null, 2) : comparisonText(comparison)}\n`)
}

const NOT_RELIABLE = 3
