import { getSystemErrorName } from 'node:util'

/** What an `ErrnoError` may say beyond its number and system call. */
export interface ErrnoDetails {
  /** The address the call was about. */
  readonly address?: string | undefined
  /** The port the call was about. */
  readonly port?: number | undefined
  /** The message's place in its batch. */
  readonly index?: number | undefined
}

/**
 * A system call that failed. Same shape as Node's own system errors.
 *
 * @example
 * error.message // 'bind EADDRINUSE 127.0.0.1:53'
 */
export class ErrnoError extends Error {
  /** The symbolic name, `EADDRINUSE`. */
  readonly code: string
  /** The number, negative as Node has it: `-98`. */
  readonly errno: number
  /** The system call, `bind`. */
  readonly syscall: string
  declare readonly address?: string
  declare readonly port?: number
  /** For a message of a batch: its place in it. */
  declare readonly index?: number

  /** @param errno - the positive number the C library gave */
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
    ErrnoError.prototype.name = 'ErrnoError'
  }
}

function where({ address, port }: ErrnoDetails): string {
  if (address === undefined) return ''
  if (port === undefined || port === 0) return ` ${address}`
  return address.includes(':') ? ` [${address}]:${port}` : ` ${address}:${port}`
}
