import { flag, option, type Parsed, parseCommandLine } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import {
  checkSpread,
  choice,
  choices,
  hostPort,
  integer,
  MEASURING,
  oneFormat,
  percentage,
  processor,
  randomSeed,
  SPREAD,
  seconds,
  word,
} from './values.js'

const QUICK_SECONDS = 30
export const MEASURES = ['send', 'receive', 'round-trip', 'kept', 'sockets'] as const
const { csv, ...PROFILE_OUTPUT } = MEASURING

export const PROFILE = {
  name: 'profile',
  usage:
    'Measures what each component of sending and receiving a batch costs, and reports what limits sendmmsg.\n' +
    'Exit status: 0; 3 if the result is not reliable (the report says why); 2 for a wrong option; 1 for a failure.',
  options: {
    batch: option('batch', integer(2, 1024), 'messages per batch in the cost breakdown', '64'),
    sizeBytes: option('size l', integer(4, 1472), 'bytes of payload per datagram', '1400'),
    isQuick: flag('quick', `about ${QUICK_SECONDS} s: fewer batch sizes, less precision`),
    budgetSeconds: option('budget', seconds(1, 86_400), `seconds for the run; default: 150, quick ${QUICK_SECONDS}`),
    precision: option('precision', percentage, 'end once sends are known to ±this percentage; default: 2, quick 5'),
    sampleMilliseconds: option('sample', integer(1, 1000), 'duration of one sample in milliseconds', '4'),
    target: option('target', choice(['auto', 'sink', 'loopback']), 'where to send; auto: sink if possible', 'auto'),
    cpu: option('cpu', processor, 'run everything that is measured on this processor'),
    isRealTime: flag(
      'real-time',
      'real-time priority where it is permitted; --no-real-time for ordinary scheduling',
      true,
    ),
    diff: flag('diff', 'BEFORE.json AFTER.json: differences between two runs; measures nothing'),
    ...PROFILE_OUTPUT,
  },
  examples: [
    ['', 'measure, two to three minutes'],
    ['--quick --html report.html', 'a quick look, with a report'],
    ['--json > before.json', 'for a later comparison'],
    ['--diff before.json after.json', 'what became faster, what slower'],
  ],
} as const

/** What `profile` measures; `precision` is the required half-width of the interval of the whole sends, as a share. */
export type ProfilePlan = ReturnType<typeof profilePlan>

export type DiffPlan = Record<'before' | 'after', string> & { readonly json: boolean }
export type ProfileCommand = ProfilePlan | { readonly diff: DiffPlan }

/** @throws UsageError */
export function parseProfileOptions(words: readonly string[]): ProfileCommand {
  const files: string[] = []
  const { diff, ...parsed } = parseCommandLine(PROFILE, words, files)
  const [before, after, ...more] = files
  if (!diff && before !== undefined) throw new UsageError(`unexpected argument '${before}'`)
  if (!diff) return profilePlan(parsed)
  if (after === undefined || more.length > 0) {
    throw new UsageError('--diff needs two files: --diff before.json after.json')
  }
  return { diff: { before, after, json: parsed.json } }
}

function profilePlan(parsed: Omit<Parsed<typeof PROFILE.options>, 'diff'>) {
  const { isQuick, budgetSeconds, precision, seed = randomSeed() } = parsed
  return {
    ...parsed,
    budgetSeconds: budgetSeconds ?? (isQuick ? QUICK_SECONDS : 150),
    precision: precision ?? (isQuick ? 0.05 : 0.02),
    seed,
  }
}

export const DROP_IN = {
  name: 'drop-in',
  usage: `Compares batchconn/dgram with node:dgram.
- send: time per datagram, with --sends sends per tick
- receive: time per message event when datagrams are already queued
- round-trip: time for one datagram to another process and back
- kept: memory per datagram that the program keeps
- sockets: CPU time and memory of many sockets that each send one datagram per 20 ms`,
  options: {
    measures: option('measure m', choices(MEASURES), 'what to measure', MEASURES.join(',')),
    rounds: option('rounds', integer(1, 1000), 'rounds, in random order, each in new processes', '15'),
    isQuick: flag('quick', 'rounds of a tenth of the usual length'),
    sizeBytes: option('size l', integer(1, 1472), 'bytes of payload per datagram', '64'),
    kept: option('kept', integer(1, 10_000_000), 'number of datagrams that kept keeps', '1000000'),
    to: option('to', hostPort(1), 'where send sends: an IPv4 address; default: a socket that is not read'),
    ...SPREAD,
    sends: option('sends', integer(1, 1024), 'sends per tick', '64'),
    sockets: option('sockets', integer(1, 10_000), 'number of sockets, for the measure sockets', '300'),
    cpu: option('cpu', processor, 'run all processes on this processor (taskset)'),
    ...MEASURING,
  },
  examples: [
    ['', 'all measures, with datagrams of 64 bytes'],
    ['--measure round-trip --cpu 1', 'round trips without the cost of waking another core'],
    ['--measure send --destinations 64 --to 10.83.1.2:9 --size 1400', 'sends to 64 destinations in turn'],
    ['--measure receive --size 1400', 'events of longer datagrams'],
  ],
} as const

export type DropInPlan = ReturnType<typeof parseDropInOptions>

/** @throws UsageError */
export function parseDropInOptions(words: readonly string[]) {
  const { seed = randomSeed(), ...parsed } = oneFormat(parseCommandLine(DROP_IN, words))
  checkSpread(parsed)
  return { ...parsed, seed }
}

export const PROBE = {
  name: 'probe',
  usage: 'Tries over loopback what this kernel and machine support, in well under a second.',
  options: {
    interface: option('interface', word, 'NAME of an interface to send a short GSO send over as well'),
    json: MEASURING.json,
  },
  examples: [
    ['', 'what is supported'],
    ['--interface eth0 --json', 'and whether GSO works over eth0, as JSON'],
  ],
} as const

/** @throws UsageError */
export function parseProbeOptions(words: readonly string[]) {
  return parseCommandLine(PROBE, words)
}

export const MERGE = {
  name: 'merge',
  usage: 'Adds what several machines sent at the same time: FILE FILE ..., documents of send or latency --json.',
  options: { json: MEASURING.json, csv },
  examples: [['a.json b.json', 'the totals of two machines']],
} as const

export type MergePlan = ReturnType<typeof parseMergeOptions>

/** @throws UsageError */
export function parseMergeOptions(words: readonly string[]) {
  const files: string[] = []
  const format = oneFormat(parseCommandLine(MERGE, words, files))
  if (files.length < 2) throw new UsageError('merge requires two or more files: merge a.json b.json')
  return { ...format, files }
}
