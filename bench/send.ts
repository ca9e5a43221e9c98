import { runCommand } from './failure.js'
import { parseSendOptions, type SendOptions } from './options/send-options.js'
import { resolveHost } from './peers/resolve.js'
import { printDocument } from './report/document.js'
import { Progress } from './report/progress.js'
import { type SendRun, sendDocument, sendText } from './report/send-report.js'
import { summarize } from './report/summary.js'
import { openContenders } from './runner/contenders.js'
import { runRounds } from './runner/rounds.js'
import { openSession } from './runner/session.js'
import { seededRandom } from './workload/random.js'

/** `bench/send.ts`: sends in several ways, in turn, and tells what each costs. docs/benchmark.md shows how to read it. */
void runCommand('send', async (signal) => {
  const options = parseSendOptions(process.argv.slice(2))
  const run = await measure(options, new Progress(options.quiet, options.intervalSeconds), signal)
  if (options.json) printDocument(sendDocument(run))
  else process.stdout.write(`${sendText(run)}\n`)
})

/** Finds the receiver, opens a socket a mode, runs the rounds, and closes all of it again, whatever happens. */
async function measure(options: SendOptions, progress: Progress, signal: AbortSignal): Promise<SendRun> {
  await using session = await openSession(options, progress, signal)
  const { destination } = session
  const bind = options.bind && (await resolveHost(options.bind, destination.family === 'ipv4' ? 4 : 6))
  await using modes = await openContenders(options.modes, { ...options, destination, bind })
  for (const { name, reason } of modes.skipped) progress.say(`without ${name}: ${reason}`)
  const random = seededRandom(options.seed)
  const rows = await runRounds({ options, session, contenders: modes.list, random, progress, signal })
  const names = modes.list.map(({ name }) => name)
  const costs = Object.fromEntries(modes.list.map((one) => [one.name, one.prepareNanoseconds()]))
  return { options, session, bind, skipped: modes.skipped, rows, summary: summarize(names, rows, random, costs) }
}
