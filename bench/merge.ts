import { runCommand } from './cli/run-command.js'
import { parseMergeOptions } from './options/local-options.js'

/** `bench/merge.ts`: adds the results of several machines. */
void runCommand('merge', async () => {
  const plan = parseMergeOptions(process.argv.slice(2))
  // Loaded after the options, so that `--help` is fast.
  const { printMerged } = require('./throughput/merge.js') as typeof import('./throughput/merge.js')
  printMerged(plan)
})
