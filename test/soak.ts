import { writeFileSync } from 'node:fs'
import { hideBin } from 'yargs/helpers'
import { conduct } from './soak/control/conduct.js'
import { parseOptions } from './soak/control/options.js'
import { plotOf } from './soak/report/plot.js'
import { reportOf } from './soak/report/report.js'

async function main(): Promise<void> {
  const options = parseOptions(hideBin(process.argv))
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The first signal ends the traffic, and the report is still printed; the second ends the process.
    process.on(signal, () => (interrupted.signal.aborted ? process.exit(1) : interrupted.abort()))
  }
  const result = await conduct(options, interrupted.signal)
  console.log(reportOf(result))
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(result, null, 2))
  if (options.plot !== undefined) writeFileSync(options.plot, await plotOf(result))
  if (result.violations.length > 0) process.exitCode = 1
}

main().catch((error) => {
  console.error(`soak: ${error instanceof Error ? error.stack : error}`)
  process.exitCode = 1
})
