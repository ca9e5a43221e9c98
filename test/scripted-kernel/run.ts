import { type Options, parseOptions, USAGE } from './options.js'
import { runSuite, SUITES } from './suites.js'

/** Runs the suites one after the other, and prints their results. @returns the exit status */
async function main({ cases, seed, only, path }: Options): Promise<number> {
  const suites = SUITES.filter(({ name }) => only === '' || name === only)
  if (suites.length === 0) throw new Error(`--only requires send, receive or sendAll, not "${only}"`)
  const shares = suites.reduce((sum, { share }) => sum + share, 0)
  const base = seed ?? Math.floor(Math.random() * 2 ** 31)
  console.log(`seed ${base}`)
  let [total, seconds, violations] = [0, 0, 0]
  for (const suite of suites) {
    const count = Math.max(1, Math.round((cases * suite.share) / shares))
    const result = await runSuite(suite, { cases: count, seed: base, path })
    total += result.cases
    seconds += result.seconds
    console.log(
      `${suite.name}: ${result.cases} cases in ${result.seconds.toFixed(1)} s ${JSON.stringify(result.tally)}`,
    )
    if (result.violation === undefined) continue
    violations += 1
    console.log(`${suite.name}: violation\n${result.violation}`)
  }
  console.log(`seed ${base}, ${total} cases, ${seconds.toFixed(1)} s, ${violations} violations`)
  return violations === 0 ? 0 : 1
}

async function start(): Promise<void> {
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
