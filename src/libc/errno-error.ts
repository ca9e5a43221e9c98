import { getSystemErrorName } from 'node:util'

/** Additional properties of an `ErrnoError`. */
export interface ErrnoDetails {
  /** Address with which the call failed. */
  readonly address?: string | undefined
  /** Port with which the call failed. */
  readonly port?: number | undefined
  /** Index of the message in its batch. */
  readonly index?: number | undefined
}

/**
 * Error of a failed system call, with the properties of Node's own system errors.
 *
 * @example
 * error.message // 'bind EADDRINUSE 127.0.0.1:53'
 */
export class ErrnoError extends Error {
  /** Symbolic name, for example `EADDRINUSE`. */
  readonly code: string
  /** Negative error number, as in Node: `-98`. */
  readonly errno: number
  /** Name of the system call, for example `bind`. */
  readonly syscall: string
  declare readonly address?: string
  declare readonly port?: number
  /** Index of the message in its batch, if the error belongs to one. */
  declare readonly index?: number

  /** @param errno - positive error number of the C library */
  constructor(errno: number, syscall: string, details: ErrnoDetails = {}) {
    const code = getSystemErrorName(-errno)
    super(`${syscall} ${code}${where(details)}`)
    this.code = code
    this.errno = -errno
    this.syscall = syscall
    const given = Object.entries(details).filter(([, value]) => value !== undefined)
    Object.assign(this, Object.fromEntries(given))
  }

  static {
    // An assignment fails if Error.prototype is frozen.
    Object.defineProperty(ErrnoError.prototype, 'name', { value: 'ErrnoError', configurable: true, writable: true })
  }
}

function where({ address, port }: ErrnoDetails): string {
  if (address === undefined) return ''
  if (port === undefined || port === 0) return ` ${address}`
  return address.includes(':') ? ` [${address}]:${port}` : ` ${address}:${port}`
}
