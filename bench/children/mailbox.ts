import type { Readable } from 'node:stream'

/** A queue whose reader waits for the next item. */
export class Mailbox<T> {
  readonly #items: T[] = []
  #ended: Error | undefined
  #wake: () => void = () => {}

  get length(): number {
    return this.#items.length
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  push(item: T): void {
    this.#items.push(item)
    this.#wake()
  }

  /** Accepts the first reason only. Items that wait can still be read. */
  end(reason: Error): void {
    this.#ended ??= reason
    this.#wake()
  }

  clear(): void {
    this.#items.length = 0
  }

  /** Returns the next item. @throws the reason for the end; `late` if the time is up; or the signal's reason */
  async next(timeoutMs: number, late: Error, signal?: AbortSignal): Promise<T> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const [item] = this.#items.splice(0, 1)
      if (item !== undefined) return item
      signal?.throwIfAborted()
      if (this.#ended !== undefined) throw this.#ended
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw late
      await this.#change(leftMs, signal)
    }
  }

  #change(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', this.#wake)
        resolve()
      }
      const timer = setTimeout(this.#wake, Math.min(timeoutMs, 2 ** 31 - 1))
      signal?.addEventListener('abort', this.#wake, { once: true })
    })
  }
}

export interface LineLimits {
  /** Maximum length of a line, in characters. */
  readonly lineLength: number
  /** Maximum number of lines that wait to be read. */
  readonly waitingLines: number
}

/** Reads a stream as lines of JSON, one at a time, each within a time limit. It stops reading when a limit is exceeded. */
export function jsonLines(
  stream: Readable,
  { lineLength, waitingLines }: LineLimits = { lineLength: 64 * 1024, waitingLines: 64 },
) {
  const lines = new Mailbox<string>()
  let rest = ''
  const stop = (reason: string): void => {
    stream.off('data', take)
    stream.pause()
    lines.clear()
    rest = ''
    lines.end(new Error(reason))
  }
  /** Ends the reading if one more line of this length exceeds a limit. */
  const accepts = (line: string): boolean => {
    if (line.length > lineLength) stop('a line is too long')
    else if (lines.length > waitingLines) stop('too many lines at once')
    return !lines.hasEnded
  }
  const take = (text: string): void => {
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = rest + text.slice(start, end)
      rest = ''
      start = end + 1
      if (!accepts(line)) return
      lines.push(line)
    }
    rest += text.slice(start)
    accepts(rest)
  }
  stream.setEncoding('utf8').on('data', take)
  stream.on('error', (error: Error) => lines.end(error))
  for (const event of ['close', 'end']) stream.on(event, () => lines.end(new Error('the connection was closed')))
  return {
    /**
     * Returns the content of the next line.
     *
     * @throws Error if the stream ended, a limit was exceeded, the time is up (`code` is `ETIMEDOUT`), or the line is not JSON;
     *   or the signal's reason
     */
    async next(timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
      const late = Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
      return JSON.parse(await lines.next(timeoutMs, late, signal))
    },
  }
}
