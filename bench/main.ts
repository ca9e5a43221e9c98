#!/usr/bin/env node
import { runCommand, UsageError } from './cli/run-command.js'
import * as local from './options/local-options.js'
import * as traffic from './options/throughput-options.js'

/** A command turns words into a plan. What measures is loaded after that, so that `--help` is fast. */
type Command = readonly [
  options: { readonly usage: string },
  parse: (words: readonly string[]) => object,
  load: () => (plan: object, signal: AbortSignal) => unknown,
]

/** Each is a file of this folder too: `bench/send.ts`. */
const COMMANDS: Readonly<Record<string, Command>> = {
  send: [traffic.SEND, traffic.parseSendOptions, () => require('./throughput/command.js').printThroughput],
  recv: [traffic.RECV, traffic.parseRecvOptions, () => require('./throughput/receive.js').receive],
  compare: [traffic.COMPARE, traffic.parseCompareOptions, () => require('./throughput/command.js').printThroughput],
  latency: [traffic.LATENCY, traffic.parseLatencyOptions, () => require('./latency/measure.js').printLatency],
  'drop-in': [local.DROP_IN, local.parseDropInOptions, () => require('./drop-in/measure.js').printDropIn],
  profile: [local.PROFILE, local.parseProfileOptions, () => require('./profile/run.js').printProfile],
  merge: [local.MERGE, local.parseMergeOptions, () => require('./throughput/merge.js').printMerged],
  probe: [local.PROBE, local.parseProbeOptions, () => require('./report/probe-report.js').printProbe],
}

/** Runs a command with the words of this process's command line. */
export function run(name: string, words = process.argv.slice(2)): void {
  const [, parse, load] = COMMANDS[name]
  void runCommand(name, async (signal) => {
    const plan = parse(words)
    await load()(plan, signal)
  })
}

if (require.main === module) {
  const [name = '', ...words] = process.argv.slice(2)
  const lines = Object.entries(COMMANDS).map(([name, [{ usage }]]) => `  ${name.padEnd(10)}${usage.split('\n')[0]}`)
  const help = `Usage: npx batchconn-bench COMMAND [options]\n\n${lines.join('\n')}\n\nEach has --help.\n`
  if (Object.hasOwn(COMMANDS, name)) run(name, words)
  else if (name === '--help' || name === '-h') process.stdout.write(help)
  else {
    void runCommand('batchconn-bench', async () => {
      throw new UsageError(`'${name}' is not a command; see --help`)
    })
  }
}
