import { runCommand } from './cli/run-command.js'
import { parseRecvOptions } from './options/throughput-options.js'

/** `bench/recv.ts`: receives what send.ts sends, and reports what arrived. */
void runCommand('recv', async (signal) => {
  const plan = parseRecvOptions(process.argv.slice(2))
  const { receive } = require('./throughput/receive.js') as typeof import('./throughput/receive.js')
  await receive(plan, signal)
})
