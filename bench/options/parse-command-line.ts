import { closest } from 'fastest-levenshtein'
import yargs, { type Options } from 'yargs'
import { UsageError } from '../failure.js'

/** One option, as `--help` shows it. */
export interface OptionDefinition {
  /** A flag is `--name` or `--no-name`; a value is text that the command makes sense of. */
  readonly type: 'flag' | 'value'
  readonly describe: string
  readonly alias?: string
  readonly default?: string | boolean
  /** Not shown by `--help`. */
  readonly hidden?: boolean
}

/** A command's name, options and examples. */
export interface CommandDefinition<Name extends string = string> {
  readonly name: string
  readonly usage: string
  readonly options: Record<Name, OptionDefinition>
  readonly examples: readonly (readonly [commandLine: string, explanation: string])[]
}

/** The text of each value and the state of each flag; undefined for a value without default that was not given. */
export type RawOptions<Name extends string> = { readonly [name in Name]: string | boolean | undefined }

/**
 * Parses a command line strictly: nothing unknown, nothing twice, no value missing. `--help` prints and exits.
 *
 * @throws UsageError in one line, naming the nearest option for an unknown one
 */
export function parseCommandLine<Name extends string>(
  command: CommandDefinition<Name>,
  words: readonly string[],
): RawOptions<Name> {
  const definitions: Record<string, OptionDefinition> = command.options
  const parser = yargs([...words])
    .scriptName(command.name)
    .usage(command.usage)
    .options(Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, yargsOption(one)])))
    .example(command.examples.map(([commandLine, explanation]) => [commandLine, explanation]))
    .help()
    .alias('help', 'h')
    .version(false)
    .detectLocale(false)
    .wrap(110)
    .parserConfiguration(PARSER_CONFIGURATION)
  const parsed = readWords(() => parser.parseSync())
  checkWords(parsed._)
  for (const [name, value] of Object.entries(parsed)) {
    if (name !== '_' && name !== '$0') checkOption(name, value, definitions)
  }
  checkFlagValues(words, definitions)
  return Object.fromEntries(
    Object.entries(definitions).map(([name, { default: preset }]) => [name, parsed[name] ?? preset]),
  ) as RawOptions<Name>
}

// Names such as `--constructor` trip yargs up.
function readWords(parse: () => Record<string, unknown>): Record<string, unknown> {
  try {
    return parse()
  } catch (error) {
    throw new UsageError(`the options cannot be read: ${(error as Error).message}`)
  }
}

// Defaults are ours to fill in: with its own, yargs takes `--size` without a value for the default.
function yargsOption({ type, describe, alias, default: preset, hidden }: OptionDefinition): Options {
  return {
    type: type === 'flag' ? 'boolean' : 'string',
    describe,
    ...(alias === undefined ? {} : { alias }),
    ...(preset === undefined ? {} : { defaultDescription: String(preset) }),
    hidden: hidden ?? false,
  }
}

/** There are no arguments without an option. */
function checkWords(words: unknown): void {
  if (Array.isArray(words) && words.length > 0) throw new UsageError(`unexpected argument '${words[0]}'`)
}

/** What yargs lets pass: an unknown name, a negated value, the same twice, an empty one. */
function checkOption(name: string, value: unknown, definitions: Record<string, OptionDefinition>): void {
  const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined
  if (definition === undefined) throw unknownOption(name, value, definitions)
  if (definition.type === 'flag') return
  if (value === false) throw new UsageError(`--${name} takes a value and has no --no-${name}`)
  if (Array.isArray(value)) throw new UsageError(`--${name} was given ${value.length} times; once is enough`)
  if (value === '') throw new UsageError(`--${name} needs a value`)
}

/** Names the nearest option that can be written the same way, by edit distance. */
function unknownOption(name: string, value: unknown, definitions: Record<string, OptionDefinition>): UsageError {
  const shown = Object.keys(definitions).filter((known) => definitions[known].hidden !== true)
  if (name.length === 1) return new UsageError(`unknown option -${name}; see --help`)
  const isNegated = value === false
  const flags = shown.filter((known) => definitions[known].type === 'flag')
  const nearest = closest(name, isNegated ? flags : [...shown, 'help'])
  const prefix = isNegated ? '--no-' : '--'
  return new UsageError(`unknown option ${prefix}${name}; did you mean ${prefix}${nearest}?`)
}

// yargs reads `--json=whatever` as false.
function checkFlagValues(words: readonly string[], definitions: Record<string, OptionDefinition>): void {
  for (const [name, { type }] of Object.entries(definitions)) {
    const given = words.find((word) => word.startsWith(`--${name}=`))
    if (type === 'flag' && given !== undefined) throw new UsageError(`--${name} takes no value`)
  }
}

/** Take names and values as they are written. */
const PARSER_CONFIGURATION = {
  'camel-case-expansion': false,
  'dot-notation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
} as const
