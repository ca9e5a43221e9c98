import { parseArgs } from 'node:util'
import { closest } from 'fastest-levenshtein'
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
  const known = [...Object.values(command.options), HELP]
  const typed = known.map(({ name, letter: short, parse }) => {
    return [
      name,
      { type: parse === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
    ] as const
  })
  const { tokens } = parseArgs({ args: [...words], options: Object.fromEntries(typed), strict: false, tokens: true })
  const given = new Map<string, string | boolean>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      if (files === undefined) throw new UsageError(`unexpected argument '${token.value}'`)
      files.push(token.value)
      continue
    }
    const { rawName, value, inlineValue } = token
    const [, no, name] = /^(no-)?(.*)$/s.exec(token.name) ?? []
    const option = known.find((one) => one.name === name)
    if (option === undefined) throw unknownOption(rawName, known)
    if (option.parse === undefined) {
      if (value !== undefined) throw new UsageError(`--${name} takes no value`)
      given.set(name, no === undefined)
      continue
    }
    if (no !== undefined) throw new UsageError(`--${name} takes a value and has no --no-${name}`)
    const count = tokens.filter((one) => one.kind === 'option' && one.name === name).length
    if (count > 1) throw new UsageError(`--${name} was given ${count} times; give it once`)
    // The next option is not its value; a negative number is.
    if (!value || (!inlineValue && /^-\D/.test(value))) throw new UsageError(`--${name} needs a value`)
    given.set(name, value)
  }
  if (given.has(HELP.name)) {
    process.stdout.write(`${helpOf(command, known)}\n`)
    process.exit(0)
  }
  const values = Object.entries(command.options).map(([key, { name, parse, preset }]) => {
    const value = given.get(name) ?? preset
    return [key, typeof value === 'string' && parse !== undefined ? parse(value, name) : value]
  })
  return Object.fromEntries(values) as Parsed<Table>
}

function unknownOption(rawName: string, known: readonly Option<unknown>[]): UsageError {
  if (!rawName.startsWith('--')) return new UsageError(`unknown option ${rawName}; see --help`)
  const shown = known.filter(({ describe }) => describe !== '')
  const isNegated = rawName.startsWith('--no-')
  const names = isNegated ? shown.filter(({ parse }) => parse === undefined) : shown
  const all = names.map(({ name }) => `${isNegated ? '--no-' : '--'}${name}`)
  return new UsageError(`unknown option ${rawName}; did you mean ${closest(rawName, all)}?`)
}

/** Returns the help, as wide as the terminal. */
function helpOf({ name, usage, examples }: Command<OptionTable>, known: readonly Option<unknown>[]): string {
  const width = Math.min(MAX_COLUMNS, process.stdout.columns ?? DEFAULT_COLUMNS)
  const program = commandLine(name)
  const shown = known.filter(({ describe }) => describe !== '')
  const margin = Math.max(...shown.map(({ name }) => name.length)) + '  -x, --  '.length
  const options = shown.flatMap(({ name, letter, parse, describe, preset }) => {
    const form = parse?.form === undefined ? '' : ` (${parse.form})`
    const lines = wrap(`${describe}${form}${preset ? `; default: ${preset}` : ''}`, width - margin)
    return indent(`  ${letter === undefined ? '   ' : `-${letter},`} --${name}`, lines, margin)
  })
  return [
    `Usage: ${program} [options]`,
    '',
    ...usage.split('\n').flatMap((line) => wrap(line, width)),
    '\nOptions:',
    ...options,
    '\nExamples:',
    ...examples.flatMap(([words, explanation]) => [
      ...indent('', wrap(`${program} ${words}`.trimEnd(), width - 2), 2),
      ...indent('', wrap(explanation, width - 6), 6),
    ]),
  ].join('\n')
}

function indent(first: string, lines: readonly string[], margin: number): string[] {
  return lines.map((line, index) => (index === 0 ? first : '').padEnd(margin) + line)
}

/** Breaks a text into lines at spaces. */
function wrap(text: string, width: number): string[] {
  return text.match(new RegExp(`(?=\\S)(?:.{1,${width}}(?=\\s|$)|\\S+)`, 'g')) ?? []
}

const HELP = flag('help h', 'print this help')
const MAX_COLUMNS = 110
const DEFAULT_COLUMNS = 80
