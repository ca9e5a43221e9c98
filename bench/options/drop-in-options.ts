import { MEASURES, type Measure } from '../drop-in/task.js'
import { type CommandDefinition, parseCommandLine } from './parse-command-line.js'
import { parseChoices, parseInteger } from './parse-value.js'

/** What `bench/drop-in.ts` was told. */
export interface DropInOptions {
  readonly measures: readonly Measure[]
  readonly rounds: number
  readonly sizeBytes: number
  /** How many datagrams are kept. */
  readonly kept: number
  /** The processor all processes are bound to; undefined for any. */
  readonly cpu: number | undefined
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
}

/** @throws UsageError */
export function parseDropInOptions(words: readonly string[]): DropInOptions {
  const raw = parseCommandLine(COMMAND, words)
  const cpu = raw.cpu === undefined ? undefined : parseInteger('cpu', String(raw.cpu), 0, 4095)
  return {
    measures: parseChoices('measure', String(raw.measure), MEASURES),
    rounds: parseInteger('rounds', String(raw.rounds), 1, 1000),
    sizeBytes: parseInteger('size', String(raw.size), 1, 1472),
    kept: parseInteger('kept', String(raw.kept), 1, 10_000_000),
    cpu,
    seed:
      raw.seed === undefined
        ? Math.floor(Math.random() * 2 ** 32)
        : parseInteger('seed', String(raw.seed), 0, 2 ** 32 - 1),
    json: raw.json === true,
    quiet: raw.quiet === true,
  }
}

const COMMAND: CommandDefinition<'measure' | 'rounds' | 'size' | 'kept' | 'cpu' | 'seed' | 'json' | 'quiet'> = {
  name: 'drop-in',
  usage:
    'Usage: $0 [options]\n\nCompares batchconn/dgram with node:dgram where throughput does not tell: what an event of datagrams that wait costs (receive), how long one datagram takes there and back (round-trip), and the memory a datagram takes that is kept (kept).',
  options: {
    measure: { type: 'value', alias: 'm', default: MEASURES.join(','), describe: `a list of ${MEASURES.join(', ')}` },
    rounds: { type: 'value', default: '15', describe: 'how often each is measured, in random order, in a new process' },
    size: { type: 'value', alias: 'l', default: '64', describe: 'bytes of payload a datagram, up to 1472' },
    kept: { type: 'value', default: '1000000', describe: 'how many datagrams are kept' },
    cpu: { type: 'value', describe: 'bind all processes to this processor (taskset)' },
    seed: { type: 'value', describe: 'of the random order; default a new one' },
    json: { type: 'flag', alias: 'J', default: false, describe: 'print one JSON document' },
    quiet: { type: 'flag', alias: 'q', default: false, describe: 'no progress on standard error' },
  },
  examples: [
    ['$0', 'all three, with datagrams of 64 bytes'],
    ['$0 --measure round-trip --cpu 1', 'round trips without the cost of waking another core'],
    ['$0 --measure receive --size 1400', 'events of longer datagrams'],
  ],
}
