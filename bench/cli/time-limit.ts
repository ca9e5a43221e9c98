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

/**
 * Waits until it is woken, the signal is aborted, or the time is up; never rejects.
 *
 * @param onWait - receives the function that wakes it
 */
export function waitForWake(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  onWait: (wake: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, Math.min(timeoutMs, 2 ** 31 - 1))
    signal?.addEventListener('abort', wake, { once: true })
    onWait(wake)
  })
}
