import { parseCommandLine } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import { type ProfilePlan, TARGETS } from '../profile/plan.js'
import { choice, integer, MEASURING_OPTIONS, percentage, processor, randomSeed, seconds } from './values.js'

/** The files of `--diff`. */
export interface DiffPlan {
  readonly before: string
  readonly after: string
  readonly json: boolean
}

/** @throws UsageError */
export function parseProfileOptions(words: readonly string[]): ProfilePlan | { readonly diff: DiffPlan } {
  const { files, rest } = takeDiff(words)
  const { diff: _, ...parsed } = parseCommandLine(COMMAND, rest)
  if (files !== undefined) return { diff: { ...files, json: parsed.json } }
  const { isQuick, budgetSeconds, precision, seed = randomSeed() } = parsed
  return {
    ...parsed,
    budgetSeconds: budgetSeconds ?? (isQuick ? QUICK_SECONDS : 150),
    precision: precision ?? (isQuick ? 0.05 : 0.02),
    seed,
  }
}

/** `--diff` takes two values, which the parser does not support. */
function takeDiff(words: readonly string[]): { files?: { before: string; after: string }; rest: string[] } {
  const at = words.indexOf('--diff')
  if (at < 0) return { rest: [...words] }
  const [before, after] = words.slice(at + 1, at + 3)
  if (before === undefined || after === undefined || before.startsWith('-') || after.startsWith('-')) {
    throw new UsageError('--diff needs two files: --diff before.json after.json')
  }
  return { files: { before, after }, rest: [...words.slice(0, at), ...words.slice(at + 3)] }
}

const QUICK_SECONDS = 30
const text = (value: string) => value

const COMMAND = {
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
      parse: choice(TARGETS),
      default: 'auto',
      describe: 'where to send: sink, loopback, or auto: the sink if it can be made',
    },
    cpu: { parse: processor, describe: 'run everything that is measured on this processor' },
    isRealTime: {
      name: 'real-time',
      flag: true,
      describe: 'measure at real-time priority where it is permitted; --no-real-time for ordinary scheduling',
    },
    html: { parse: text, describe: 'write an HTML report to this file' },
    diff: { parse: text, describe: 'BEFORE.json AFTER.json: differences between two runs; measures nothing' },
    ...MEASURING_OPTIONS,
  },
  examples: [
    ['$0', 'measure, two to three minutes'],
    ['$0 --quick --html report.html', 'a quick look, with a report'],
    ['$0 --json > before.json', 'for a later comparison'],
    ['$0 --diff before.json after.json', 'what became faster, what slower'],
  ],
} as const
