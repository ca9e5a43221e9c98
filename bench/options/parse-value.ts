import { UsageError } from '../failure.js'

/** Reads a whole number from `low` to `high`. */
export function parseInteger(name: string, text: string, low: number, high: number): number {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= low && value <= high)) {
    throw new UsageError(`--${name} must be a whole number from ${low} to ${high}, not '${text}'`)
  }
  return value
}

/** Reads seconds, which may have a fraction and a final `s`. */
export function parseSeconds(name: string, text: string, low: number, high: number): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)s?$/.exec(text)
  const value = match === null ? Number.NaN : Number(match[1])
  if (!(value >= low && value <= high)) {
    throw new UsageError(`--${name} must be a number of seconds from ${low} to ${high}, not '${text}'`)
  }
  return value
}

/** Reads one of several words. */
export function parseChoice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw new UsageError(`--${name} must be ${choices.join(' or ')}, not '${text}'`)
  return found
}

/** Reads a comma-separated list of words, each at most once. */
export function parseChoices<T extends string>(name: string, text: string, choices: readonly T[]): T[] {
  const words = text.split(',').map((word) => word.trim())
  return words.map((word, index) => {
    const found = choices.find((choice) => choice === word)
    if (found === undefined) throw new UsageError(`--${name} must be a list of ${choices.join(', ')}, not '${word}'`)
    if (words.indexOf(word) !== index) throw new UsageError(`--${name} names ${found} twice`)
    return found
  })
}
