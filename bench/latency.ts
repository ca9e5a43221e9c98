import { runCommand } from './cli/run-command.js'
import { parseLatencyOptions } from './options/latency-options.js'

/** `bench/latency.ts`: requests at a rate, and the distribution of the time to their replies. */
void runCommand('latency', async (signal) => {
  const plan = parseLatencyOptions(process.argv.slice(2))
  // Loaded after the options, so that `--help` is fast.
  const { printLatency } = require('./latency/report.js') as typeof import('./latency/report.js')
  await printLatency(plan, signal)
})
