import { writeText } from '../cli/files.js'
import type { ThroughputPlan } from '../options/throughput-options.js'
import { configOf, documentHead, printResult } from '../report/document.js'
import { answerInWords } from './answer.js'
import { measureThroughput, type ThroughputRun } from './measure.js'
import { throughputPage } from './page.js'
import { partialReason, throughputText, warningsOf } from './report.js'

/** Measures, and prints the result, also an incomplete one. @throws what ended it early */
export async function printThroughput(plan: ThroughputPlan, signal: AbortSignal): Promise<void> {
  const run = await measureThroughput(plan, signal)
  printResult(
    plan,
    () => throughputDocument(run),
    () => throughputText(run),
    () => run.records,
  )
  if (plan.html !== undefined) writeText(plan.html, await throughputPage(run, throughputDocument(run)))
  if (run.error !== undefined) throw run.error
}

function throughputDocument(run: ThroughputRun): object {
  const { plan, session, receiver, skipped, records, summary, ratios } = run
  return {
    ...documentHead(plan.command),
    partial: partialReason(run),
    config: {
      ...configOf(plan),
      to: session.destination,
      local: session.isLocal,
      skipped,
      bind: plan.bind ?? null,
      packetsPerSecond: plan.packetsPerSecond ?? null,
      kernelPacing: run.hasFq,
      receiver,
    },
    results: records,
    summary,
    ...(plan.command === 'compare' ? { ratios } : { answer: answerInWords(run) }),
    warnings: warningsOf(run),
  }
}
