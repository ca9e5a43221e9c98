import { type CommandDefinition, parseCommandLine } from './parse-command-line.js'

/** What `bench/probe.ts` was told. */
export interface ProbeOptions {
  /** To send a train over; undefined for loopback only. */
  readonly interfaceName: string | undefined
  readonly json: boolean
}

/** @throws UsageError */
export function parseProbeOptions(words: readonly string[]): ProbeOptions {
  const raw = parseCommandLine(COMMAND, words)
  return { interfaceName: raw.interface === undefined ? undefined : String(raw.interface), json: raw.json === true }
}

const COMMAND: CommandDefinition<'interface' | 'json'> = {
  name: 'probe',
  usage: 'Usage: $0 [options]\n\nTries over loopback what this kernel and machine give, in well under a second.',
  options: {
    interface: { type: 'value', describe: 'NAME of an interface to send a short train (GSO) over as well' },
    json: { type: 'flag', alias: 'J', default: false, describe: 'print one JSON document' },
  },
  examples: [
    ['$0', 'what there is'],
    ['$0 --interface eth0 --json', 'and whether trains leave by eth0, as JSON'],
  ],
}
