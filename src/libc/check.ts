import { type ErrnoDetails, ErrnoError } from './errno-error.js'
import { libc } from './libc.js'

/**
 * The one place where -1 becomes an error.
 *
 * @returns `result`, when the call succeeded
 * @throws ErrnoError when it is negative
 */
export function check(result: number, syscall: string, details?: ErrnoDetails): number {
  if (result >= 0) return result
  throw new ErrnoError(lastErrno(), syscall, details)
}

/** This thread's errno. Right only directly after the call that failed: any other call may overwrite it. */
export function lastErrno(): number {
  return libc().errno[0]
}
