import type { Readable } from 'node:stream'
import { waitForWake } from '../cli/time-limit.js'

/** Limits of what is kept in memory. */
export interface LineLimits {
  /** Maximum length of a line, in characters. */
  readonly lineLength: number
  /** Maximum number of lines that wait to be read. */
  readonly waitingLines: number
}

/** Reads a stream as lines of JSON, one at a time, each within a time limit. It stops reading when a limit is exceeded. */
export class JsonLines {
  readonly #stream: Readable
  readonly #limits: LineLimits
  readonly #lines: string[] = []
  #rest = ''
  #ended: Error | undefined
  #wake: () => void = () => {}

  constructor(stream: Readable, limits: LineLimits = { lineLength: 64 * 1024, waitingLines: 64 }) {
    this.#stream = stream
    this.#limits = limits
    stream.setEncoding('utf8')
    stream.on('data', this.#take)
    stream.on('error', (error: Error) => this.#end(error))
    stream.on('close', () => this.#end(new Error('the connection was closed')))
    stream.on('end', () => this.#end(new Error('the connection was closed')))
  }

  /**
   * Returns the content of the next line.
   *
   * @throws Error if the stream ended, a limit was exceeded, the time is up (`code` is `ETIMEDOUT`), or the line is not JSON;
   *   or the signal's reason
   */
  async next(timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    const deadlineMs = performance.now() + timeoutMs
    while (this.#lines.length === 0) {
      signal?.throwIfAborted()
      if (this.#ended !== undefined) throw this.#ended
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
      await waitForWake(leftMs, signal, (wake) => {
        this.#wake = wake
      })
    }
    return JSON.parse(this.#lines.shift() as string)
  }

  readonly #take = (text: string): void => {
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = this.#rest + text.slice(start, end)
      this.#rest = ''
      start = end + 1
      if (!this.#accepts(line)) return
      this.#lines.push(line)
    }
    this.#rest += text.slice(start)
    if (this.#accepts(this.#rest)) this.#wake()
  }

  /** Ends the reading if one more line of this length exceeds a limit. */
  #accepts(line: string): boolean {
    if (line.length > this.#limits.lineLength) this.#stop('a line is too long')
    else if (this.#lines.length > this.#limits.waitingLines) this.#stop('too many lines at once')
    return this.#ended === undefined
  }

  #stop(reason: string): void {
    this.#stream.off('data', this.#take)
    this.#stream.pause()
    this.#lines.length = 0
    this.#rest = ''
    this.#end(new Error(reason))
  }

  #end(reason: Error): void {
    this.#ended ??= reason
    this.#wake()
  }
}
