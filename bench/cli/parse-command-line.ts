import { closest } from 'fastest-levenshtein'
import yargs, { type Options } from 'yargs'
import { commandLine, UsageError } from './run-command.js'

/** Converts an option's text. @throws UsageError */
export interface Parse<T> {
  (text: string, name: string): T
  /** What it accepts, for the help. */
  readonly form?: string
}

interface Option<T> {
  readonly name: string
  readonly letter: string | undefined
  /** Undefined for an option without a value: `--name` or `--no-name`. */
  readonly parse: Parse<T> | undefined
  readonly describe: string
  /** Its value if it is not given. Without one it may be left out, and is undefined then. */
  readonly preset: string | boolean | undefined
}

/** An option with a value. @param names - its name without `--`, and its letter: `size l` */
export function option<T>(names: string, parse: Parse<T>, describe: string): Option<T | undefined>
export function option<T>(names: string, parse: Parse<T>, describe: string, preset: string): Option<T>
export function option<T>(names: string, parse: Parse<T>, describe: string, preset?: string): Option<T | undefined> {
  const [name, letter] = names.split(' ')
  return { name, letter, parse, describe, preset }
}

/** An option without a value. Without a description it is left out of the help. */
export function flag(names: string, describe: string, preset = false): Option<boolean> {
  const [name, letter] = names.split(' ')
  return { name, letter, parse: undefined, describe, preset }
}

/** The options of a command. A key is the name of the parsed value. */
type OptionTable = Readonly<Record<string, Option<unknown>>>

export type Parsed<Table extends OptionTable> = {
  readonly [Key in keyof Table]: Table[Key] extends Option<infer T> ? T : never
}

export interface Command<Table extends OptionTable> {
  readonly name: string
  readonly usage: string
  readonly options: Table
  /** Words after `$0`, and what they do. */
  readonly examples: readonly (readonly [words: string, explanation: string])[]
}

/**
 * Parses a command line strictly: unknown or repeated options and missing values are errors. `--help` prints and exits.
 *
 * @param files - receives the words that are not options; without it they are errors
 * @throws UsageError in one line; for an unknown option with the nearest existing one
 */
export function parseCommandLine<Table extends OptionTable>(
  command: Command<Table>,
  words: readonly string[],
  files?: string[],
): Parsed<Table> {
  const known = new Map(Object.values(command.options).map((option) => [option.name, option]))
  const parser = yargs([...words])
    .scriptName(commandLine(command.name))
    .usage(`Usage: $0 [options]\n\n${command.usage}`)
    .options(Object.fromEntries([...known].map(([name, option]) => [name, yargsOption(option)])))
    .example(command.examples.map(([words, explanation]) => [`$0 ${words}`.trimEnd(), explanation]))
    .help()
    .alias('help', 'h')
    .version(false)
    .detectLocale(false)
    .wrap(Math.min(MAX_COLUMNS, process.stdout.columns ?? DEFAULT_COLUMNS))
    .parserConfiguration(PARSER_CONFIGURATION)
  const { _: others, $0: _, ...given } = readWords(() => parser.parseSync())
  if (files === undefined && others.length > 0) throw new UsageError(`unexpected argument '${others[0]}'`)
  files?.push(...others.map(String))
  for (const [name, value] of Object.entries(given)) checkOption(name, value, known, words)
  const values = Object.entries(command.options).map(([key, { name, parse, preset }]) => {
    const value = given[name] ?? preset
    return [key, typeof value === 'string' && parse !== undefined ? parse(value, name) : value]
  })
  return Object.fromEntries(values) as Parsed<Table>
}

// Names such as `--constructor` make yargs throw.
function readWords<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new UsageError(`the options cannot be read: ${(error as Error).message}`)
  }
}

// yargs does not get the defaults: it would use them for `--size` without a value.
function yargsOption({ letter: alias, parse, describe, preset }: Option<unknown>): Options {
  const form = parse?.form === undefined ? '' : ` (${parse.form})`
  const defaultDescription = preset === undefined ? undefined : String(preset)
  const type = parse === undefined ? 'boolean' : 'string'
  return { type, alias, describe: `${describe}${form}`, hidden: describe === '', defaultDescription }
}

/** Reports what yargs accepts: an unknown name, a negated value, a repeated or an empty one, a flag with a value. */
function checkOption(
  name: string,
  value: unknown,
  known: ReadonlyMap<string, Option<unknown>>,
  words: readonly string[],
): void {
  const option = known.get(name)
  if (option === undefined) throw unknownOption(name, value, known)
  if (option.parse === undefined) {
    if (words.some((word) => word.startsWith(`--${name}=`))) throw new UsageError(`--${name} takes no value`)
    return
  }
  if (value === false) throw new UsageError(`--${name} takes a value and has no --no-${name}`)
  if (Array.isArray(value)) throw new UsageError(`--${name} was given ${value.length} times; give it once`)
  if (value === '') throw new UsageError(`--${name} needs a value`)
}

function unknownOption(name: string, value: unknown, known: ReadonlyMap<string, Option<unknown>>): UsageError {
  if (name.length === 1) return new UsageError(`unknown option -${name}; see --help`)
  const isNegated = value === false
  const candidates = [...known.values()].filter(({ describe, parse }) => describe !== '' && (!isNegated || !parse))
  const names = [...candidates.map((option) => option.name), ...(isNegated ? [] : ['help'])]
  const prefix = isNegated ? '--no-' : '--'
  return new UsageError(`unknown option ${prefix}${name}; did you mean ${prefix}${closest(name, names)}?`)
}

const MAX_COLUMNS = 110
const DEFAULT_COLUMNS = 80
/** Names and values stay as they were written. */
const PARSER_CONFIGURATION = {
  'camel-case-expansion': false,
  'dot-notation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
} as const
