import { isIPv4 } from 'node:net'
import { MEASURES, type Measure } from '../drop-in/task.js'
import { UsageError } from '../failure.js'
import { type CommandDefinition, parseCommandLine } from './parse-command-line.js'
import { type HostPort, parseHostPort } from './parse-host-port.js'
import { parseChoices, parseInteger } from './parse-value.js'

/** What `bench/drop-in.ts` was told. */
export interface DropInOptions {
  readonly measures: readonly Measure[]
  readonly rounds: number
  readonly sizeBytes: number
  /** How many datagrams are kept. */
  readonly kept: number
  /** Where `send` sends; undefined for a socket on loopback that nobody reads from. */
  readonly to: HostPort | undefined
  /** To how many addresses `send` sends, in turn: from that one on. */
  readonly peers: number
  /** How many sockets send one datagram per tick. */
  readonly sockets: number
  /** The processor all processes are bound to; undefined for any. */
  readonly cpu: number | undefined
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
}

/** @throws UsageError */
export function parseDropInOptions(words: readonly string[]): DropInOptions {
  const raw = parseCommandLine(COMMAND, words)
  const to = raw.to === undefined ? undefined : parseHostPort('to', String(raw.to), 1)
  const peers = parseInteger('peers', String(raw.peers), 1, MOST_PEERS)
  if (to !== undefined && !(isIPv4(to.host) && Number(to.host.split('.')[3]) + peers <= 256)) {
    throw new UsageError(`--to must be an IPv4 address with ${peers - 1} more after it in its /24, not '${to.host}'`)
  }
  const cpu = raw.cpu === undefined ? undefined : parseInteger('cpu', String(raw.cpu), 0, 4095)
  return {
    measures: parseChoices('measure', String(raw.measure), MEASURES),
    rounds: parseInteger('rounds', String(raw.rounds), 1, 1000),
    sizeBytes: parseInteger('size', String(raw.size), 1, 1472),
    kept: parseInteger('kept', String(raw.kept), 1, 10_000_000),
    to,
    peers,
    sockets: parseInteger('sockets', String(raw.sockets), 1, 10_000),
    cpu,
    seed:
      raw.seed === undefined
        ? Math.floor(Math.random() * 2 ** 32)
        : parseInteger('seed', String(raw.seed), 0, 2 ** 32 - 1),
    json: raw.json === true,
    quiet: raw.quiet === true,
  }
}

/** One a send. */
const MOST_PEERS = 64

const COMMAND: CommandDefinition<
  'measure' | 'rounds' | 'size' | 'kept' | 'to' | 'peers' | 'sockets' | 'cpu' | 'seed' | 'json' | 'quiet'
> = {
  name: 'drop-in',
  usage:
    'Usage: $0 [options]\n\nCompares batchconn/dgram with node:dgram one figure at a time: what a datagram costs to send, of 64 a tick (send), what an event of datagrams that wait costs (receive), how long one datagram takes there and back (round-trip), the memory a datagram takes that is kept (kept), and the CPU time and memory of many sockets that each send one datagram per 20 ms (sockets).',
  options: {
    measure: { type: 'value', alias: 'm', default: MEASURES.join(','), describe: `a list of ${MEASURES.join(', ')}` },
    rounds: { type: 'value', default: '15', describe: 'how often each is measured, in random order, in a new process' },
    size: { type: 'value', alias: 'l', default: '64', describe: 'bytes of payload a datagram, up to 1472' },
    kept: { type: 'value', default: '1000000', describe: 'how many datagrams are kept' },
    to: { type: 'value', describe: 'where send sends, an IPv4 HOST:PORT; default a socket that nobody reads from' },
    peers: { type: 'value', default: '1', describe: `to how many addresses send sends, up to ${MOST_PEERS}` },
    sockets: { type: 'value', default: '300', describe: 'number of sockets, for the measure sockets' },
    cpu: { type: 'value', describe: 'bind all processes to this processor (taskset)' },
    seed: { type: 'value', describe: 'of the random order; default a new one' },
    json: { type: 'flag', alias: 'J', default: false, describe: 'print one JSON document' },
    quiet: { type: 'flag', alias: 'q', default: false, describe: 'no progress on standard error' },
  },
  examples: [
    ['$0', 'all of them, with datagrams of 64 bytes'],
    ['$0 --measure round-trip --cpu 1', 'round trips without the cost of waking another core'],
    ['$0 --measure send --peers 64 --to 10.83.1.2:9 --size 1400', 'sends to 64 peers beside each other'],
    ['$0 --measure receive --size 1400', 'events of longer datagrams'],
  ],
}
