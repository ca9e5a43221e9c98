import { isIPv4 } from 'node:net'
import { parseCommandLine } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import { type DropInPlan, MEASURES } from '../drop-in/plan.js'
import { choices, hostPort, integer, MEASURING_OPTIONS, processor, randomSeed } from './values.js'

/** As many as `send` sends per tick. */
const MAX_DESTINATIONS = 64

/** @throws UsageError */
export function parseDropInOptions(words: readonly string[]): DropInPlan {
  const { seed = randomSeed(), ...parsed } = parseCommandLine(COMMAND, words)
  const { to, destinations } = parsed
  if (to !== undefined && !(isIPv4(to.host) && Number(to.host.split('.')[3]) + destinations <= 256)) {
    const more = destinations - 1
    throw new UsageError(`--to must be an IPv4 address with ${more} more after it in its /24, not '${to.host}'`)
  }
  return { ...parsed, seed }
}

const COMMAND = {
  name: 'drop-in',
  usage: `Compares batchconn/dgram with node:dgram:
- send: time per datagram, with 64 sends per tick
- receive: time per message event when datagrams are already queued
- round-trip: time for one datagram to another process and back
- kept: memory per datagram that the program keeps
- sockets: CPU time and memory of many sockets that each send one datagram per 20 ms`,
  options: {
    measures: {
      name: 'measure',
      parse: choices(MEASURES),
      alias: 'm',
      default: MEASURES.join(','),
      describe: `a list of ${MEASURES.join(', ')}`,
    },
    rounds: { parse: integer(1, 1000), default: '15', describe: 'rounds, in random order, each in new processes' },
    isQuick: { name: 'quick', flag: false, describe: 'rounds of a tenth of the usual length' },
    sizeBytes: {
      name: 'size',
      parse: integer(1, 1472),
      alias: 'l',
      default: '64',
      describe: 'bytes of payload per datagram, up to 1472',
    },
    kept: { parse: integer(1, 10_000_000), default: '1000000', describe: 'number of datagrams that kept keeps' },
    to: { parse: hostPort(1), describe: 'where send sends, IPV4[:PORT]; default: a socket that is not read' },
    destinations: {
      parse: integer(1, MAX_DESTINATIONS),
      default: '1',
      describe: `number of consecutive addresses that send sends to, up to ${MAX_DESTINATIONS}`,
    },
    sockets: { parse: integer(1, 10_000), default: '300', describe: 'number of sockets, for the measure sockets' },
    cpu: { parse: processor, describe: 'run all processes on this processor (taskset)' },
    ...MEASURING_OPTIONS,
  },
  examples: [
    ['$0', 'all measures, with datagrams of 64 bytes'],
    ['$0 --measure round-trip --cpu 1', 'round trips without the cost of waking another core'],
    ['$0 --measure send --destinations 64 --to 10.83.1.2:9 --size 1400', 'sends to 64 destinations in turn'],
    ['$0 --measure receive --size 1400', 'events of longer datagrams'],
  ],
} as const
