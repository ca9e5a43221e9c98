import { runCommand } from './cli/run-command.js'
import { parseSendOptions } from './options/throughput-options.js'

/** `bench/send.ts`: sends in several modes, in turn, and reports what each costs. docs/benchmark.md describes the table. */
void runCommand('send', async (signal) => {
  const plan = parseSendOptions(process.argv.slice(2))
  const { printThroughput } = require('./throughput/command.js') as typeof import('./throughput/command.js')
  await printThroughput(plan, signal)
})
