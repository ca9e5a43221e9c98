/**
 * Returns a signal that aborts with a `TimeoutError` after a time in milliseconds. Its timer does not keep the process alive.
 *
 * `AbortSignal.timeout` is not used: Node 20 garbage-collects it inside an `AbortSignal.any`, and it never aborts.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  const error = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  setTimeout(() => controller.abort(error), milliseconds).unref()
  return controller.signal
}
