import type { Readable } from 'node:stream'

/** Reads a stream as lines of JSON, one at a time, each within its time. */
export class JsonLines {
  readonly #lines: string[] = []
  #rest = ''
  #ended: Error | undefined
  #wake: () => void = () => {}

  constructor(stream: Readable) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#take(text))
    stream.on('error', (error: Error) => this.#end(error))
    stream.on('close', () => this.#end(new Error('the connection was closed')))
    stream.on('end', () => this.#end(new Error('the connection was closed')))
  }

  /**
   * The next line's content.
   *
   * @throws Error if the stream ended, the time ran out (`code` is `ETIMEDOUT`), or the line is no JSON;
   *   or the signal's reason
   */
  async next(timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    const deadline = performance.now() + timeoutMs
    while (this.#lines.length === 0) {
      signal?.throwIfAborted()
      if (this.#ended !== undefined) throw this.#ended
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
      await this.#change(leftMs, signal)
    }
    return JSON.parse(this.#lines.shift() as string)
  }

  /** Settles at the next line, at the stream's end, when the time is up, or when the signal is aborted. */
  async #change(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = withResolver()
    const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
    signal?.addEventListener('abort', resolve, { once: true })
    this.#wake = resolve
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', resolve)
    }
  }

  #take(text: string): void {
    this.#rest += text
    const lines = this.#rest.split('\n')
    this.#rest = lines.pop() as string
    this.#lines.push(...lines)
    if (this.#rest.length > MAX_LINE_CHARACTERS) this.#end(new Error('a line is too long'))
    this.#wake()
  }

  #end(reason: Error): void {
    this.#ended ??= reason
    this.#wake()
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** No message of ours is nearly as long. */
const MAX_LINE_CHARACTERS = 64 * 1024
