import { runCommand } from './cli/run-command.js'
import { parseCompareOptions } from './options/throughput-options.js'

/** `bench/compare.ts`: `send` with other programs as candidates, and the ratio to each. */
void runCommand('compare', async (signal) => {
  const plan = parseCompareOptions(process.argv.slice(2))
  const { printThroughput } = require('./throughput/command.js') as typeof import('./throughput/command.js')
  await printThroughput(plan, signal)
})
