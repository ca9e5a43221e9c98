import { isIPv6 } from 'node:net'
import type { Endpoint } from '../../src/index.js'
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
    const nowMs = performance.now()
    const seconds = (nowMs - last.nowMs) / 1000
    const datagrams = counts.datagrams - last.datagrams
    if (datagrams > 0) {
      const bitsPerSecond = ((counts.bytes - last.bytes) * 8) / seconds
      const rate = `${whole(datagrams / seconds)} packets/s, ${gigabits(bitsPerSecond)} Gbit/s`
      progress.say(`${((nowMs - startMs) / 1000).toFixed(1)} s: ${rate}`)
    }
    last = { nowMs, datagrams: counts.datagrams, bytes: counts.bytes }
  }, intervalSeconds * 1000)
  return () => clearInterval(timer)
}

function recordLine({ sender, delivered, ...record }: ReceiveRecord): string {
  const { packets, packetsPerSecond, bitsPerSecond, achievedBatch } = record
  const from = sender.address === null ? 'a sender without control connection' : bracketed(sender.address)
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

function bracketed(address: Endpoint['address']): string {
  return isIPv6(address) ? `[${address}]` : address
}
