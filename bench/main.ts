#!/usr/bin/env node
import { runCommand, UsageError } from './cli/run-command.js'

/** A command is a file of this folder, and a line here. */
const COMMANDS = new Map<string | undefined, readonly [description: string, load: () => unknown]>([
  ['send', ['sends in several modes, in turn, and reports what each costs', () => require('./send.js')]],
  ['recv', ['receives on another host what send sends', () => require('./recv.js')]],
  ['compare', ['the same work by C, by Go and by node:dgram', () => require('./compare.js')]],
  ['latency', ['the time from request to reply, at a rate', () => require('./latency.js')]],
  ['drop-in', ['batchconn/dgram against node:dgram', () => require('./drop-in.js')]],
  ['profile', ['what each component of sending and receiving costs', () => require('./profile.js')]],
  ['merge', ['adds the results of several machines that sent at the same time', () => require('./merge.js')]],
  ['probe', ['what this kernel and machine support', () => require('./probe.js')]],
])

const [name] = process.argv.splice(2, 1)
const command = COMMANDS.get(name)
if (command !== undefined) command[1]()
else {
  void runCommand('batchconn-bench', async () => {
    if (name !== '--help' && name !== '-h') throw new UsageError(`'${name ?? ''}' is not a command; see --help`)
    const lines = [...COMMANDS].map(([command = '', [description]]) => `  ${command.padEnd(10)}${description}`)
    process.stdout.write(`Usage: npx batchconn-bench COMMAND [options]\n\n${lines.join('\n')}\n\nEach has --help.\n`)
  })
}
