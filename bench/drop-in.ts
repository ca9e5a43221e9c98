import { runCommand } from './cli/run-command.js'
import { parseDropInOptions } from './options/local-options.js'

/** `bench/drop-in.ts`: compares the drop-in with node:dgram, one figure at a time. */
void runCommand('drop-in', async (signal) => {
  const plan = parseDropInOptions(process.argv.slice(2))
  const { printDropIn } = require('./drop-in/measure.js') as typeof import('./drop-in/measure.js')
  await printDropIn(plan, signal)
})
