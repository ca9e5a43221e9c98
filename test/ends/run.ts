import { writeFileSync } from 'node:fs'
import { casesNamed } from './cases.js'
import { versionOf } from './node-version.js'
import { type Options, parseOptions, USAGE } from './options.js'
import { line, type Run, summary } from './report.js'
import { hasPassed } from './result.js'
import { schedule } from './schedule.js'
import { slowNetwork } from './slow-network.js'

/** Runs the cases with each Node version. Prints a line per case, and a table at the end. */
async function main(options: Options): Promise<number> {
  const cases = casesNamed(options.only)
  if (cases.length === 0) throw new Error(`no case has ${options.only.join(' or ')} in its name`)
  const network = cases.some(({ needsSlowDevice }) => needsSlowDevice) ? slowNetwork('ends') : 'not required'
  process.once('exit', () => typeof network !== 'string' && network.down())
  const runs: Run[] = []
  for (const node of options.nodes) {
    const run: Run = { version: versionOf(node), results: [] }
    runs.push(run)
    const { atOnce, jobs, share: shareProcess } = options
    const times = { worker: options.times, main: options.mainTimes }
    for (const { result } of schedule(cases, { node, times, atOnce, slowNetwork: network }, { jobs, shareProcess })) {
      run.results.push(await result)
      console.log(line(run.version, await result))
      // Written after each case, so that an interrupted run keeps its results.
      if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(runs, null, 1))
    }
  }
  console.log(summary(runs))
  return runs.every(({ results }) => results.every((one) => hasPassed(one) || one.skipped !== undefined)) ? 0 : 1
}

async function start(): Promise<void> {
  // process.exit removes the network namespace and ends the processes.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options.help) console.log(USAGE)
    else process.exitCode = await main(options)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 2
  }
}

void start()
