import { runCommand } from './cli/run-command.js'
import { parseProfileOptions } from './options/local-options.js'

/** `bench/profile.ts`: measures what each component of sending and receiving costs. docs/profile.md describes the report. */
void runCommand('profile', async (signal) => {
  const plan = parseProfileOptions(process.argv.slice(2))
  const { printDiff, printProfile } = require('./profile/command.js') as typeof import('./profile/command.js')
  if ('diff' in plan) printDiff(plan.diff)
  else await printProfile(plan, signal)
})
