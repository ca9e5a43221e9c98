/** `TypeError` or `RangeError` of a misuse, with a Node-style `code`. */
export interface CodedError extends Error {
  readonly code: string
}

/** Returns the error for an argument of the wrong type or shape. */
export function typeError(code: string, message: string): TypeError & CodedError {
  return Object.assign(new TypeError(message), { code })
}

/** Returns the error for an argument of the right type with an invalid value. */
export function rangeError(code: string, message: string): RangeError & CodedError {
  return Object.assign(new RangeError(message), { code })
}

/** Describes the received value, in the style of Node's own messages. */
export function received(value: unknown): string {
  if (value === null || value === undefined) return `received ${value}`
  if (typeof value === 'function') return `received function ${nameOf(value)}`
  if (typeof value === 'object') return `received an instance of ${nameOf(constructorOf(value))}`
  const text = String(value)
  const short = text.length > 28 ? `${text.slice(0, 25)}...` : text
  return `received type ${typeof value} (${typeof value === 'string' ? `'${short}'` : short})`
}

// A Proxy or a getter may throw. The message is then less precise, but still reports the actual problem.
function constructorOf(value: object): unknown {
  try {
    return value.constructor
  } catch {
    return undefined
  }
}

function nameOf(value: unknown): string {
  try {
    const name = typeof value === 'function' && value.name
    if (typeof name === 'string') return name
  } catch {}
  return 'Object'
}
