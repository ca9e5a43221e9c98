import { closest } from 'fastest-levenshtein'
import yargs, { type Options } from 'yargs'
import { commandLine, UsageError } from './run-command.js'

interface AnyOption {
  /** The option's name without `--`, if it differs from the key in the table. */
  readonly name?: string
  readonly describe: string
  readonly alias?: string
  /** Left out of `--help`. */
  readonly hidden?: boolean
}

/** An option with a value. Without `default` it may be left out, and is undefined then. */
export interface ValueOption<T> extends AnyOption {
  readonly parse: (text: string, name: string) => T
  readonly default?: string
}

/** An option without a value: `--name` or `--no-name`. */
export interface FlagOption extends AnyOption {
  readonly flag: boolean
}

/** The options of a command. A key is the name of the parsed value. */
export type OptionTable = Readonly<Record<string, ValueOption<unknown> | FlagOption>>

export type Parsed<Table extends OptionTable> = {
  readonly [Key in keyof Table]: Table[Key] extends ValueOption<infer T>
    ? Table[Key] extends { readonly default: string }
      ? T
      : T | undefined
    : boolean
}

export interface Command<Table extends OptionTable> {
  readonly name: string
  readonly usage: string
  readonly options: Table
  readonly examples: readonly (readonly [commandLine: string, explanation: string])[]
}

/**
 * Parses a command line strictly: unknown or repeated options and missing values are errors. `--help` prints and exits.
 *
 * @throws UsageError in one line; for an unknown option with the nearest existing one
 */
export function parseCommandLine<Table extends OptionTable>(
  command: Command<Table>,
  words: readonly string[],
): Parsed<Table> {
  const { options } = command
  const byName = new Map(Object.entries(options).map(([key, option]) => [option.name ?? key, option]))
  const parser = yargs([...words])
    .scriptName(commandLine(command.name))
    .usage(`Usage: $0 [options]\n\n${command.usage}`)
    .options(Object.fromEntries([...byName].map(([name, option]) => [name, yargsOption(option)])))
    .example(command.examples.map(([commandLine, explanation]) => [commandLine, explanation]))
    .help()
    .alias('help', 'h')
    .version(false)
    .detectLocale(false)
    .wrap(Math.min(MAX_COLUMNS, process.stdout.columns ?? DEFAULT_COLUMNS))
    .parserConfiguration(PARSER_CONFIGURATION)
  const parsed = readWords(() => parser.parseSync())
  const [word] = parsed._ as string[]
  if (word !== undefined) throw new UsageError(`unexpected argument '${word}'`)
  for (const [name, value] of Object.entries(parsed)) {
    if (name !== '_' && name !== '$0') checkOption(name, value, byName)
  }
  checkFlagValues(words, byName)
  const readOption = (key: string, option: OptionTable[string]): unknown => {
    const name = option.name ?? key
    const given = parsed[name]
    if ('flag' in option) return given ?? option.flag
    const text = given ?? option.default
    return text === undefined ? undefined : option.parse(String(text), name)
  }
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, readOption(key, option)]),
  ) as Parsed<Table>
}

// Names such as `--constructor` make yargs throw.
function readWords(parse: () => Record<string, unknown>): Record<string, unknown> {
  try {
    return parse()
  } catch (error) {
    throw new UsageError(`the options cannot be read: ${(error as Error).message}`)
  }
}

// yargs does not get the defaults: it would use them for `--size` without a value.
function yargsOption({ describe, alias, hidden, ...option }: OptionTable[string]): Options {
  const preset = 'flag' in option ? option.flag : option.default
  const defaultDescription = preset === undefined ? undefined : String(preset)
  return { type: 'flag' in option ? 'boolean' : 'string', describe, alias, hidden, defaultDescription }
}

/** Reports what yargs accepts: an unknown name, a negated value, a repeated or an empty one. */
function checkOption(name: string, value: unknown, byName: ReadonlyMap<string, OptionTable[string]>): void {
  const option = byName.get(name)
  if (option === undefined) throw unknownOption(name, value, byName)
  if ('flag' in option) return
  if (value === false) throw new UsageError(`--${name} takes a value and has no --no-${name}`)
  if (Array.isArray(value)) throw new UsageError(`--${name} was given ${value.length} times; give it once`)
  if (value === '') throw new UsageError(`--${name} needs a value`)
}

function unknownOption(name: string, value: unknown, byName: ReadonlyMap<string, OptionTable[string]>): UsageError {
  if (name.length === 1) return new UsageError(`unknown option -${name}; see --help`)
  const isNegated = value === false
  const candidates = [...byName].filter(([, option]) => !option.hidden && (!isNegated || 'flag' in option))
  const names = [...candidates.map(([known]) => known), ...(isNegated ? [] : ['help'])]
  const prefix = isNegated ? '--no-' : '--'
  return new UsageError(`unknown option ${prefix}${name}; did you mean ${prefix}${closest(name, names)}?`)
}

// yargs reads `--json=anything` as false.
function checkFlagValues(words: readonly string[], byName: ReadonlyMap<string, OptionTable[string]>): void {
  for (const [name, option] of byName) {
    const hasValue = words.some((word) => word.startsWith(`--${name}=`))
    if ('flag' in option && hasValue) throw new UsageError(`--${name} takes no value`)
  }
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
