import { setImmediate as nextIteration } from 'node:timers/promises'
import { type BatchConn, type Endpoint, ErrnoError } from '../../../src/index.js'
import { numberedBatch } from './numbered.js'

/** Messages of a stream, and how they are sent. */
export interface StreamOptions {
  readonly to?: Endpoint
  readonly coalesce?: boolean
  /** Bytes per datagram. Default 1400. */
  readonly byteLength?: number
  /** Messages per batch. Default 64. */
  readonly messagesPerBatch?: number
}

/** Numbered messages over one socket, with a record of which ones the library reported as sent and as failed. */
export class Stream {
  /** Numbers of the messages that were reported as sent. */
  readonly accepted: number[] = []
  /** Error codes of the messages that were reported as failed, by number. */
  readonly failed = new Map<number, string>()
  readonly #conn: BatchConn
  readonly #options: StreamOptions
  #next = 0

  constructor(conn: BatchConn, options: StreamOptions = {}) {
    this.#conn = conn
    this.#options = options
  }

  /** Number of messages so far. */
  get length(): number {
    return this.#next
  }

  /** Error codes of the failures, each once. */
  get codes(): string[] {
    return [...new Set(this.failed.values())].sort()
  }

  /** Sends one batch. @throws Error unless the report contains each of its messages exactly once */
  async send(to = this.#options.to): Promise<void> {
    const { coalesce = false, byteLength = 1400, messagesPerBatch = 64 } = this.#options
    const first = this.#next
    this.#next += messagesPerBatch
    const batch = numberedBatch(messagesPerBatch, byteLength, to, { coalesce, first })
    const { sent, failed } = await this.#conn.sendAll(batch)
    const codes = new Map(failed.map(({ index, error }) => [index, error instanceof ErrnoError ? error.code : 'other']))
    if (codes.size !== failed.length) throw new Error('a message was reported as failed twice')
    if (sent + codes.size !== messagesPerBatch)
      throw new Error(`${sent} sent + ${codes.size} failed of ${messagesPerBatch}`)
    for (let index = 0; index < messagesPerBatch; index += 1) {
      const code = codes.get(index)
      if (code === undefined) this.accepted.push(first + index)
      else this.failed.set(first + index, code)
    }
  }

  /** Sends batches, with a loop iteration between two, until `isEnough` returns true; at most `limit`. */
  async sendUntil(isEnough: () => boolean, limit = 20_000): Promise<void> {
    for (let count = 0; !isEnough(); count += 1) {
      if (count >= limit) throw new Error(`not enough after ${limit} batches`)
      await this.send()
      await nextIteration()
    }
  }
}
