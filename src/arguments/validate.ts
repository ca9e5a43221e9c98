import { rangeError, received, typeError } from './errors.js'

/** Returns `value` if it is an integer from `low` to `high`, both included. */
export function integer(value: unknown, name: string, low: number, high: number): number {
  if (typeof value !== 'number') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a number; ${received(value)}`)
  }
  if (!Number.isInteger(value) || value < low || value > high) {
    throw rangeError('ERR_OUT_OF_RANGE', `${name} must be an integer from ${low} to ${high}; received ${value}`)
  }
  return value
}

/** Returns `value` if it is a UDP port number. */
export function port(value: unknown, name: string, low: 0 | 1): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > 65535) {
    const message = `${name} must be an integer from ${low} to 65535; ${received(value)}`
    throw rangeError('ERR_SOCKET_BAD_PORT', message)
  }
  return value
}

/** Returns `value` if it is a boolean. */
export function boolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a boolean; ${received(value)}`)
  }
  return value
}

/** Returns `value` if it is a string that is not empty. */
export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a string; ${received(value)}`)
  }
  if (value === '' || value.includes('\0')) {
    throw typeError('ERR_INVALID_ARG_VALUE', `${name} must not be empty or hold a NUL character`)
  }
  return value
}

/** Returns `value` if it is one of `choices`. */
export function oneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) {
    const message = `${name} must be one of ${choices.map((c) => `'${c}'`).join(', ')}; ${received(value)}`
    throw typeError('ERR_INVALID_ARG_VALUE', message)
  }
  return found
}

/**
 * Checks that `options` is an object (or absent) whose every key is known: a misspelled option is an error, never ignored.
 */
export function options<T extends object>(value: T | undefined, where: string, known: readonly string[]): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw typeError('ERR_INVALID_ARG_TYPE', `${where} options must be an object; ${received(value)}`)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw typeError('ERR_UNKNOWN_OPTION', `${where}: unknown option '${key}'; known: ${known.join(', ')}`)
    }
  }
  return value
}

/** Checks that `value` is a function. */
export function callback(value: unknown, name: string): void {
  if (typeof value !== 'function') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a function; ${received(value)}`)
  }
}

/** Checks that `signal`, if given, is an `AbortSignal`. */
export function abortSignal(signal: unknown, name: string): AbortSignal | undefined {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be an AbortSignal; ${received(signal)}`)
  }
  return signal
}
