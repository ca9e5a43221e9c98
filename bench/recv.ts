import { Interrupted, runCommand } from './failure.js'
import { parseRecvOptions } from './options/recv-options.js'
import { listen } from './peers/listen.js'
import { printDocument } from './report/document.js'
import { Progress } from './report/progress.js'
import { receiveProgress } from './report/receive-progress.js'
import { listeningLine, recvDocument, rowLine } from './report/recv-report.js'
import { timeLimit } from './time-limit.js'

/** `bench/recv.ts`: receives what send.ts sends, and accounts for it. */
void runCommand('recv', async (interrupted) => {
  const options = parseRecvOptions(process.argv.slice(2))
  const progress = new Progress(options.quiet, options.intervalSeconds)
  const { receiver, service, close } = await listen(options, (row) => {
    if (!options.json) process.stdout.write(`${rowLine(row)}\n`)
  })
  const { localAddress } = receiver
  progress.say(listeningLine(localAddress, service.description))
  const stopProgress = receiveProgress(receiver, progress, options.intervalSeconds)
  try {
    if (options.announce) process.send?.({ port: localAddress.port })
    await service.run(end(interrupted, options.durationSeconds, options.announce))
  } finally {
    stopProgress()
    close()
    if (process.connected) process.disconnect()
  }
  if (options.json) printDocument(recvDocument(options, localAddress, service.description, service.rows))
})

/** A receiver ends in good order when its time is up, on Ctrl-C, or with the process that started it. */
function end(interrupted: AbortSignal, durationSeconds: number | undefined, isChild: boolean): AbortSignal {
  const signals = [interrupted]
  if (durationSeconds !== undefined) signals.push(timeLimit(durationSeconds * 1000))
  if (isChild) signals.push(parentGone())
  return AbortSignal.any(signals)
}

/** Tells of the parent's end through the channel between the two, which closes however it ends. */
function parentGone(): AbortSignal {
  const controller = new AbortController()
  process.once('disconnect', () => controller.abort(new Interrupted('SIGTERM')))
  return controller.signal
}
