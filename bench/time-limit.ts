/**
 * A signal that aborts after so many milliseconds, with a `TimeoutError`, and does not keep the process alive.
 *
 * Not `AbortSignal.timeout`: within an `AbortSignal.any`, Node 20 loses that one to the garbage collector, and it never
 * aborts.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  const error = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  setTimeout(() => controller.abort(error), milliseconds).unref()
  return controller.signal
}
