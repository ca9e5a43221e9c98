import { rangeError, received, typeError } from './errors.js'

/** Returns `value` if it is an integer from `low` to `high`, both inclusive. */
export function integer(value: unknown, name: string, low: number, high: number): number {
  if (typeof value !== 'number') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a number; ${received(value)}`)
  }
  if (!Number.isInteger(value) || value < low || value > high) {
    throw rangeError('ERR_OUT_OF_RANGE', `${name} must be an integer from ${low} to ${high}; received ${value}`)
  }
  return value
}

/** Returns `value` if it is an index into a batch of `length` entries. */
export function index(value: unknown, length: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < length) return value
  const range = length === 0 ? 'the batch is empty' : `index must be from 0 to ${length - 1}`
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  throw rangeError('ERR_OUT_OF_RANGE', `${range}; ${isObject ? received(value) : `received ${String(value)}`}`)
}

/** Returns `value` if it is a UDP port number from `low` to 65535. */
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

/** Returns `value` if it is a string that is not empty and contains no NUL character. */
export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a string; ${received(value)}`)
  }
  if (value === '' || value.includes('\0')) {
    throw typeError('ERR_INVALID_ARG_VALUE', `${name} must not be empty or contain a NUL character`)
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
 * Returns a copy of a plain object, reading each option once, because a getter or Proxy could return a different value the
 * second time. An unknown option is an error. So is an instance of a class, whose options may not be own properties.
 */
export function options<T extends object>(value: T | undefined, where: string, known: readonly string[]): Partial<T> {
  if (value === undefined) return {}
  optionNames(value, where, known)
  return { ...value }
}

/** Validates that `value` is a plain object with known keys only, without reading the options. */
export function optionNames(value: unknown, where: string, known: readonly string[]): void {
  if (!isPlainObject(value)) {
    throw typeError('ERR_INVALID_ARG_TYPE', `${where} options must be a plain object; ${received(value)}`)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw typeError('ERR_UNKNOWN_OPTION', `${where}: unknown option '${key}'; known: ${known.join(', ')}`)
    }
  }
}

// A plain object of another realm has a different prototype, which has no prototype itself.
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Returns `value` if it is a function. */
export function callback<T>(value: T, name: string): T {
  if (typeof value !== 'function') {
    throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be a function; ${received(value)}`)
  }
  return value
}

/** Returns `signal` if it is undefined or an `AbortSignal`, including one of another realm or of a polyfill. */
export function abortSignal(signal: unknown, name: string): AbortSignal | undefined {
  if (signal === undefined || isAbortSignal(signal)) return signal
  throw typeError('ERR_INVALID_ARG_TYPE', `${name} must be an AbortSignal; ${received(signal)}`)
}

function isAbortSignal(signal: unknown): signal is AbortSignal {
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) return false
  if (!('addEventListener' in signal) || typeof signal.addEventListener !== 'function') return false
  return 'removeEventListener' in signal && typeof signal.removeEventListener === 'function'
}
