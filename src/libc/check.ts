import { type ErrnoDetails, ErrnoError } from './errno-error.js'
import { libc } from './libc.js'

/**
 * Returns the result of a system call, or throws its error.
 *
 * @returns `result`, if the call succeeded
 * @throws ErrnoError if `result` is negative
 */
export function check(result: number, syscall: string, details?: ErrnoDetails): number {
  if (result >= 0) return result
  throw new ErrnoError(lastErrno(), syscall, details)
}

/** Returns this thread's errno. Valid only directly after the failed call, because any other call may overwrite it. */
export function lastErrno(): number {
  return libc().errno[0]
}
