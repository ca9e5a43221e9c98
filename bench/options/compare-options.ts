import { UsageError } from '../failure.js'
import { SEND_MODES } from '../runner/sender.js'
import { type CommandDefinition, parseCommandLine } from './parse-command-line.js'
import { parseChoice, parseChoices } from './parse-value.js'
import { readTrafficOptions, TRAFFIC_DEFINITIONS, type TrafficOptions } from './traffic-options.js'

/** Whom batchconn can be compared with: other programs, and other ways of its own. */
export const PEERS = ['c', 'go', ...SEND_MODES] as const
/** One of them. */
export type PeerName = (typeof PEERS)[number]

/** What the peers can be told to use; Go has no trains. */
export const COMPARE_MODES = ['sendmmsg', 'sendmsg', 'gso'] as const

/** What `bench/compare.ts` was told. */
export interface CompareOptions extends TrafficOptions {
  readonly peers: readonly PeerName[]
  readonly mode: (typeof COMPARE_MODES)[number]
}

/** @throws UsageError */
export function parseCompareOptions(words: readonly string[]): CompareOptions {
  const raw = parseCommandLine(COMMAND, words)
  const traffic = readTrafficOptions(raw)
  if (traffic.to === undefined && !traffic.control) throw new UsageError('--no-control needs --to: where to send blind')
  return {
    ...traffic,
    peers: parseChoices('peers', String(raw.peers), PEERS),
    mode: parseChoice('mode', String(raw.mode), COMPARE_MODES),
  }
}

/** Short rounds and many of them: a ratio wants pairs more than it wants precision in each. */
const COMMAND: CommandDefinition<keyof typeof TRAFFIC_DEFINITIONS | 'mode' | 'peers'> = {
  name: 'compare',
  usage:
    'Usage: $0 [options]\n\nThe same work by batchconn and by other programs, in turn, and how many times as fast it is.',
  options: {
    ...TRAFFIC_DEFINITIONS,
    rounds: { ...TRAFFIC_DEFINITIONS.rounds, default: '15' },
    duration: { ...TRAFFIC_DEFINITIONS.duration, default: '0.3' },
    peers: { type: 'value', default: 'c,go,dgram', describe: `a list of ${PEERS.join(', ')}` },
    mode: { type: 'value', default: 'sendmmsg', describe: `how batchconn, c and go send: ${COMPARE_MODES.join(', ')}` },
  },
  examples: [
    ['$0', 'against C, Go and node:dgram, over loopback'],
    ['$0 --mode gso --peers c,sendmmsg', 'trains, against trains from C and against batches of single datagrams'],
    ['$0 --peers c --to 192.0.2.7:9 --no-control', 'against C alone, to where nobody answers'],
  ],
}
