import { readText, writeText } from '../cli/files.js'
import { Progress } from '../cli/progress.js'
import type { DiffPlan, ProfilePlan } from '../options/local-options.js'
import { printResult } from '../report/document.js'
import { compareDocuments, comparisonText, parseDocument } from './compare.js'
import { documentText, profileDocument } from './report/document.js'
import { htmlReport, terminalReport } from './report/report.js'
import { runProfile } from './run.js'

/** Measures, and prints and writes the reports, also of an interrupted run. @throws what ended the run early */
export async function printProfile(
  plan: ProfilePlan | { readonly diff: DiffPlan },
  signal: AbortSignal,
): Promise<void> {
  if ('diff' in plan) return printDiff(plan.diff)
  const document = profileDocument(await runProfile(plan, new Progress(plan.quiet), signal))
  if (process.stderr.isTTY && !plan.quiet) process.stderr.write('\r\x1b[K')
  // First the text, so that an error with the file does not lose it.
  process.stdout.write(`${plan.json ? documentText(document) : terminalReport(document)}\n`)
  if (plan.html !== undefined) writeText(plan.html, await htmlReport(document))
  signal.throwIfAborted()
  // 3: the result is not reliable.
  if (!document.reliability.isReliable) process.exitCode = 3
}

function printDiff({ before, after, json }: DiffPlan): void {
  const [one, other] = [before, after].map((file) => parseDocument(file, readText(file)))
  const comparison = compareDocuments(one, other)
  printResult({ json }, comparison, comparisonText(comparison))
}
