import { runCommand } from './failure.js'
import { type CompareOptions, parseCompareOptions } from './options/compare-options.js'
import { openPeers } from './peers/open-peers.js'
import { type CompareRun, compareDocument, compareText } from './report/compare-report.js'
import { printDocument } from './report/document.js'
import { Progress } from './report/progress.js'
import { packetsPerCpuSecond, rateRatio, roundsOf, summarize } from './report/summary.js'
import { openContender } from './runner/contenders.js'
import { runRounds } from './runner/rounds.js'
import { openSession } from './runner/session.js'
import { seededRandom } from './workload/random.js'

/** `bench/compare.ts`: the same work by batchconn and by other programs, in turn, as a ratio. */
void runCommand('compare', async (signal) => {
  const options = parseCompareOptions(process.argv.slice(2))
  const run = await measure(options, new Progress(options.quiet, options.intervalSeconds), signal)
  if (options.json) printDocument(compareDocument(run))
  else process.stdout.write(`${compareText(run)}\n`)
})

/** The same as for send, but for who takes part: one way of ours against the peers. */
async function measure(options: CompareOptions, progress: Progress, signal: AbortSignal): Promise<CompareRun> {
  await using session = await openSession(options, progress, signal)
  const plan = { ...options, destination: session.destination, bind: undefined, packetsPerSecond: undefined }
  await using peers = await openPeers(options, plan, progress, signal)
  await using own = await openContender(OWN_NAME, options.mode, plan)
  const contenders = [own, ...peers.contenders]
  const random = seededRandom(options.seed)
  const rows = await runRounds({ options, session, contenders, random, progress, signal })
  const names = contenders.map(({ name }) => name)
  const summary = summarize(names, rows, random, { [OWN_NAME]: own.prepareNanoseconds() })
  const ownRounds = roundsOf(OWN_NAME, rows)
  const ratios = peers.contenders.map(({ name }) => ({
    peer: name,
    ratio: rateRatio(ownRounds, roundsOf(name, rows), random),
    cpuRatio: rateRatio(ownRounds, roundsOf(name, rows), random, packetsPerCpuSecond),
  }))
  return { options, session, skipped: peers.skipped, rows, summary, ratios }
}

/** What batchconn is called among the contenders. */
const OWN_NAME = 'batchconn'
