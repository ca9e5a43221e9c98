import { isIPv6 } from 'node:net'
import { sendToParent } from '../children/child.js'
import { Progress } from '../cli/progress.js'
import { Interrupted, timeLimit } from '../cli/run-command.js'
import { listen, type ReceiveRecord } from '../control/receive-service.js'
import type { RecvPlan } from '../options/throughput-options.js'
import { configOf, documentHead, printResult } from '../report/document.js'
import { decimal, gigabits, percent, whole } from '../report/format.js'
import type { Receiver } from '../traffic/streams.js'
import { receiverLine } from './report.js'
import { summarize } from './summary.js'

/** Receives until the time is up, a signal ends it, or the parent process ends; prints one line per stream, or a document. */
export async function receive(plan: RecvPlan, interrupted: AbortSignal): Promise<void> {
  const progress = new Progress(plan.quiet, plan.intervalSeconds)
  const isAtEnd = plan.json || plan.csv
  const { receiver, service, close } = await listen(plan, (record) => {
    if (!isAtEnd) process.stdout.write(`${recordLine(record)}\n`)
  })
  const { localAddress } = receiver
  progress.say(receiverLine(`listening on ${localAddress}:`, service.description))
  const stopProgress = showProgress(receiver, progress, plan.intervalSeconds)
  try {
    if (plan.announce) sendToParent({ port: localAddress.port })
    await service.run(endOf(plan, interrupted))
  } finally {
    stopProgress()
    close()
    if (process.connected) process.disconnect()
  }
  if (!isAtEnd) return
  const { description, records } = service
  const config = { ...configOf(plan), ...description, listen: localAddress }
  const summary = records.length === 0 ? [] : summarize([description.mode], records, () => 0.5)
  printResult(plan, { ...documentHead('recv'), config, results: records, summary }, '', records)
}

function endOf({ durationSeconds, announce }: RecvPlan, interrupted: AbortSignal): AbortSignal {
  const signals = [interrupted]
  if (durationSeconds !== undefined) signals.push(timeLimit(durationSeconds * 1000))
  if (announce) {
    const parent = new AbortController()
    const onGone = () => parent.abort(new Interrupted('SIGTERM'))
    if (process.connected) process.once('disconnect', onGone)
    else onGone()
    signals.push(parent.signal)
  }
  return AbortSignal.any(signals)
}

/** Prints the receive rate once per interval, while datagrams arrive. Returns a function that ends it. */
function showProgress({ counts }: Receiver, progress: Progress, intervalSeconds: number): () => void {
  if (intervalSeconds === 0) return () => {}
  const startMs = performance.now()
  let last = { nowMs: startMs, ...counts }
  const timer = setInterval(() => {
    const now = { nowMs: performance.now(), ...counts }
    const perSecond = 1000 / (now.nowMs - last.nowMs)
    const [datagrams, bytes] = [now.datagrams - last.datagrams, now.bytes - last.bytes]
    const rate = `${whole(datagrams * perSecond)} packets/s, ${gigabits(bytes * 8 * perSecond)} Gbit/s`
    if (datagrams > 0) progress.say(`${((now.nowMs - startMs) / 1000).toFixed(1)} s: ${rate}`)
    last = now
  }, intervalSeconds * 1000)
  return () => clearInterval(timer)
}

function recordLine({ sender, delivered, ...record }: ReceiveRecord): string {
  const { packets, packetsPerSecond, bitsPerSecond, achievedBatch } = record
  const address = isIPv6(sender.address ?? '') ? `[${sender.address}]` : sender.address
  const from = address ?? 'a sender without control connection'
  const mode = sender.mode === null ? '' : ` (${sender.mode})`
  const facts = [
    `delivered ${whole(packets)}`,
    `${whole(packetsPerSecond)} packets/s`,
    `${gigabits(bitsPerSecond)} Gbit/s`,
    `batch ${decimal(achievedBatch, 1)}`,
  ]
  if (delivered !== null) {
    const { lost, reordered, duplicated, jitterMicroseconds, kernelDrops, truncated } = delivered
    facts.push(`lost ${whole(lost)} (${percent(lost / Math.max(1, lost + packets))})`)
    if (reordered !== null) facts.push(`reordered ${whole(reordered)}`)
    if (duplicated !== null) facts.push(`duplicated ${whole(duplicated)}`)
    if (jitterMicroseconds !== null) facts.push(`jitter ${decimal(jitterMicroseconds, 1)} us`)
    if (kernelDrops !== null) facts.push(`kernel drops ${whole(kernelDrops)}`)
    if (truncated > 0) facts.push(`truncated ${whole(truncated)}`)
  }
  return `from ${from}${mode}: ${facts.join(', ')}`
}
