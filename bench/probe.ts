import { Failure, runCommand } from './cli/run-command.js'
import { parseProbeOptions } from './options/local-options.js'

/** `bench/probe.ts`: reports what this kernel and machine support, each feature by trying it. */
void runCommand('probe', async () => {
  const { interface: name, json } = parseProbeOptions(process.argv.slice(2))
  const { printProbe } = require('./report/probe-report.js') as typeof import('./report/probe-report.js')
  try {
    printProbe(name, json)
  } catch (error) {
    throw new Failure((error as Error).message)
  }
})
