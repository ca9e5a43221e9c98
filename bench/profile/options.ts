import { randomInt } from 'node:crypto'
import { UsageError } from '../failure.js'
import { type CommandDefinition, parseCommandLine } from '../options/parse-command-line.js'
import { parseChoice, parseInteger, parseSeconds } from '../options/parse-value.js'

/** What `bench/profile.ts` was told. */
export interface ProfileOptions {
  readonly batch: number
  readonly sizeBytes: number
  readonly isQuick: boolean
  readonly budgetSeconds: number
  /** The half-width asked of the whole sends, as a share. */
  readonly precision: number
  readonly blockMilliseconds: number
  readonly place: 'auto' | 'sink' | 'loopback'
  readonly processor: number | undefined
  readonly isRealTime: boolean
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
  readonly html: string | undefined
  /** Two documents to compare: nothing is measured then. */
  readonly compare: { readonly before: string; readonly after: string } | undefined
}

/** @throws UsageError */
export function parseProfileOptions(words: readonly string[]): ProfileOptions {
  const { compare, rest } = takeCompare(words)
  const raw = parseCommandLine(COMMAND, rest)
  const isQuick = raw.quick === true
  return {
    batch: parseInteger('batch', String(raw.batch), 2, 1024),
    sizeBytes: parseInteger('size', String(raw.size), 4, 1472),
    isQuick,
    budgetSeconds: parseSeconds('budget', String(raw.budget ?? (isQuick ? 30 : 150)), 1, 86_400),
    precision: parsePercent('precision', String(raw.precision ?? (isQuick ? '5' : '2'))),
    blockMilliseconds: parseInteger('block', String(raw.block), 1, 1000),
    place: parseChoice('place', String(raw.place), ['auto', 'sink', 'loopback']),
    processor: raw.pin === undefined ? undefined : parseInteger('pin', String(raw.pin), 0, 4095),
    isRealTime: raw['real-time'] === true,
    seed: raw.seed === undefined ? randomInt(1, 2 ** 32) : parseInteger('seed', String(raw.seed), 0, 2 ** 32 - 1),
    json: raw.json === true,
    quiet: raw.quiet === true,
    html: raw.html === undefined ? undefined : String(raw.html),
    compare,
  }
}

/** `--compare` takes two words, which the parser does not know. */
function takeCompare(words: readonly string[]): Pick<ProfileOptions, 'compare'> & { rest: string[] } {
  const at = words.indexOf('--compare')
  if (at < 0) return { compare: undefined, rest: [...words] }
  const [before, after] = words.slice(at + 1, at + 3)
  if (before === undefined || after === undefined || before.startsWith('-') || after.startsWith('-')) {
    throw new UsageError('--compare needs two files: --compare before.json after.json')
  }
  return { compare: { before, after }, rest: [...words.slice(0, at), ...words.slice(at + 3)] }
}

function parsePercent(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s?%?$/.exec(text)
  const value = match === null ? Number.NaN : Number(match[1])
  if (!(value > 0 && value <= 100)) throw new UsageError(`--${name} must be a percentage up to 100, not '${text}'`)
  return value / 100
}

const COMMAND: CommandDefinition = {
  name: 'profile',
  usage:
    'Usage: $0 [options]\n\nMeasures what each part of sending and receiving a batch costs, and says what limits ' +
    'sendmmsg.\nExit status: 0, 3 if the result is not to be trusted (it says why), 2 for a wrong option, 1 for a failure.',
  options: {
    batch: { type: 'value', default: '64', describe: 'messages of a batch in the ladder, 2 to 1024' },
    size: { type: 'value', alias: 'l', default: '1400', describe: 'bytes of payload of a datagram, 4 to 1472' },
    quick: { type: 'flag', default: false, describe: 'a look in half a minute: fewer batch sizes, less precision' },
    budget: { type: 'value', describe: 'seconds it may take [default: 150; with --quick 30]' },
    precision: {
      type: 'value',
      describe: 'ends earlier once the whole sends are known to this many percent [default: 2; with --quick 5]',
    },
    block: { type: 'value', default: '4', describe: 'milliseconds that are timed in one piece' },
    place: {
      type: 'value',
      default: 'auto',
      describe: 'where to send: sink, loopback, or auto: the sink if it can be',
    },
    pin: { type: 'value', describe: 'keep everything that is measured on this processor' },
    'real-time': {
      type: 'flag',
      default: true,
      describe: 'let nothing interrupt a block, where that is allowed; --no-real-time for ordinary scheduling',
    },
    seed: { type: 'value', describe: 'of the order of the rounds and of the resampling' },
    json: { type: 'flag', alias: 'J', default: false, describe: 'print one JSON document' },
    html: { type: 'value', describe: 'write a report to this file' },
    quiet: { type: 'flag', alias: 'q', default: false, describe: 'no progress' },
    compare: { type: 'value', describe: 'BEFORE.json AFTER.json: what has changed between two runs; measures nothing' },
  },
  examples: [
    ['$0', 'measure, two to three minutes'],
    ['$0 --quick --html report.html', 'half a minute, and a report to look at'],
    ['$0 --json > before.json', 'for a comparison later on'],
    ['$0 --compare before.json after.json', 'what is faster, what is slower'],
  ],
}
