import { isIPv4 } from 'node:net'
import { type Parsed, parseCommandLine } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import {
  CSV_OPTION,
  choice,
  choices,
  hostPort,
  integer,
  MEASURING_OPTIONS,
  oneFormat,
  percentage,
  processor,
  randomSeed,
  seconds,
  word,
} from './values.js'

const QUICK_SECONDS = 30
const MAX_DESTINATIONS = 64
const MAX_SENDS = 1024
export const MEASURES = ['send', 'receive', 'round-trip', 'kept', 'sockets'] as const

const PROFILE = {
  name: 'profile',
  usage:
    'Measures what each component of sending and receiving a batch costs, and reports what limits sendmmsg.\n' +
    'Exit status: 0; 3 if the result is not reliable (the report says why); 2 for a wrong option; 1 for a failure.',
  options: {
    batch: { parse: integer(2, 1024), default: '64', describe: 'messages per batch in the cost breakdown, 2 to 1024' },
    sizeBytes: {
      name: 'size',
      parse: integer(4, 1472),
      alias: 'l',
      default: '1400',
      describe: 'bytes of payload per datagram, 4 to 1472',
    },
    isQuick: { name: 'quick', flag: false, describe: `about ${QUICK_SECONDS} s: fewer batch sizes, less precision` },
    budgetSeconds: {
      name: 'budget',
      parse: seconds(1, 86_400),
      describe: `seconds for the whole run, at least one round; default: 150, with --quick ${QUICK_SECONDS}`,
    },
    precision: {
      parse: percentage,
      describe: 'end earlier once the whole sends are known to ±this percentage; default: 2, with --quick 5',
    },
    sampleMilliseconds: {
      name: 'sample',
      parse: integer(1, 1000),
      default: '4',
      describe: 'duration of one sample in milliseconds',
    },
    target: {
      parse: choice(['auto', 'sink', 'loopback'] as const),
      default: 'auto',
      describe: 'where to send: sink, loopback, or auto: the sink if it can be made',
    },
    cpu: { parse: processor, describe: 'run everything that is measured on this processor' },
    isRealTime: {
      name: 'real-time',
      flag: true,
      describe: 'measure at real-time priority where it is permitted; --no-real-time for ordinary scheduling',
    },
    diff: { parse: word, describe: 'BEFORE.json AFTER.json: differences between two runs; measures nothing' },
    ...MEASURING_OPTIONS,
  },
  examples: [
    ['$0', 'measure, two to three minutes'],
    ['$0 --quick --html report.html', 'a quick look, with a report'],
    ['$0 --json > before.json', 'for a later comparison'],
    ['$0 --diff before.json after.json', 'what became faster, what slower'],
  ],
} as const

/** What `profile` measures; `precision` is the required half-width of the interval of the whole sends, as a share. */
export type ProfilePlan = ReturnType<typeof profilePlan>

export type DiffPlan = Record<'before' | 'after', string> & { readonly json: boolean }

/** @throws UsageError */
export function parseProfileOptions(words: readonly string[]): ProfilePlan | { readonly diff: DiffPlan } {
  // `--diff` takes two values, which the parser does not support.
  const at = words.indexOf('--diff')
  if (at < 0) return profilePlan(parseCommandLine(PROFILE, words))
  const [before = '-', after = '-'] = words.slice(at + 1, at + 3)
  if (before.startsWith('-') || after.startsWith('-')) {
    throw new UsageError('--diff needs two files: --diff before.json after.json')
  }
  const { json } = parseCommandLine(PROFILE, [...words.slice(0, at), ...words.slice(at + 3)])
  return { diff: { before, after, json } }
}

function profilePlan({ diff: _, ...parsed }: Parsed<typeof PROFILE.options>) {
  const { isQuick, budgetSeconds, precision, seed = randomSeed() } = parsed
  return {
    ...parsed,
    budgetSeconds: budgetSeconds ?? (isQuick ? QUICK_SECONDS : 150),
    precision: precision ?? (isQuick ? 0.05 : 0.02),
    seed,
  }
}

const DROP_IN = {
  name: 'drop-in',
  usage: `Compares batchconn/dgram with node:dgram:
- send: time per datagram, with --sends sends per tick
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
      describe: `number of consecutive addresses that send sends to in turn, up to ${MAX_DESTINATIONS}`,
    },
    grouped: { flag: false, describe: 'send sends to one destination after the other instead of in turn' },
    sends: { parse: integer(1, MAX_SENDS), default: '64', describe: `sends per tick, up to ${MAX_SENDS}` },
    sockets: { parse: integer(1, 10_000), default: '300', describe: 'number of sockets, for the measure sockets' },
    cpu: { parse: processor, describe: 'run all processes on this processor (taskset)' },
    ...MEASURING_OPTIONS,
    csv: CSV_OPTION,
  },
  examples: [
    ['$0', 'all measures, with datagrams of 64 bytes'],
    ['$0 --measure round-trip --cpu 1', 'round trips without the cost of waking another core'],
    ['$0 --measure send --destinations 64 --to 10.83.1.2:9 --size 1400', 'sends to 64 destinations in turn'],
    ['$0 --measure receive --size 1400', 'events of longer datagrams'],
  ],
} as const

export type DropInPlan = ReturnType<typeof parseDropInOptions>

/** @throws UsageError */
export function parseDropInOptions(words: readonly string[]) {
  const { seed = randomSeed(), ...parsed } = oneFormat(parseCommandLine(DROP_IN, words))
  const { to, destinations } = parsed
  if (to !== undefined && !(isIPv4(to.host) && Number(to.host.split('.')[3]) + destinations <= 256)) {
    const more = destinations - 1
    throw new UsageError(`--to must be an IPv4 address with ${more} more after it in its /24, not '${to.host}'`)
  }
  return { ...parsed, seed }
}

const PROBE = {
  name: 'probe',
  usage: 'Tries over loopback what this kernel and machine support, in well under a second.',
  options: {
    interface: { parse: word, describe: 'NAME of an interface to send a short GSO send over as well' },
    json: MEASURING_OPTIONS.json,
  },
  examples: [
    ['$0', 'what is supported'],
    ['$0 --interface eth0 --json', 'and whether GSO works over eth0, as JSON'],
  ],
} as const

/** @throws UsageError */
export function parseProbeOptions(words: readonly string[]) {
  return parseCommandLine(PROBE, words)
}

const MERGE = {
  name: 'merge',
  usage: 'FILE FILE ...: adds what several machines sent at the same time, from documents of send or latency --json.',
  options: { json: MEASURING_OPTIONS.json, csv: CSV_OPTION },
  examples: [['$0 a.json b.json', 'the totals of two machines']],
} as const

export type MergePlan = ReturnType<typeof parseMergeOptions>

/** @throws UsageError */
export function parseMergeOptions(words: readonly string[]) {
  const isOption = (word: string) => word.startsWith('-')
  const format = oneFormat(parseCommandLine(MERGE, words.filter(isOption)))
  const files = words.filter((word) => !isOption(word))
  if (files.length < 2) throw new UsageError('merge requires two or more files: merge a.json b.json')
  return { ...format, files }
}
