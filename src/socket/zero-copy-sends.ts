import type { Messages } from '../batch/messages.js'
import { abortable } from '../loop/abort.js'
import type { Completions } from './error-queue.js'

/**
 * Zero-copy sends of one socket whose memory the kernel may still read. The kernel numbers them from 0 with 32 bits, which
 * wrap, and completes ranges, mostly in order (Documentation/networking/msg_zerocopy.rst).
 */
export class ZeroCopySends implements Completions {
  /** Number of sends that are not completed. */
  inFlight = 0
  completed = 0
  /** Number of completed sends for which the kernel made a copy after all. */
  copied = 0
  /** Number of sends copied by the kernel since the last one that was not. */
  copiedInRow = 0
  /** True while a failed send may have used an id, which the kernel has then completed already. */
  hasFailed = false
  /** Called when the first wait begins and after the last one has ended. */
  onAwaited: (isAwaited: boolean) => void = () => {}
  readonly #waits = new Set<Wait>()
  #calls: SendCall[] = []
  /** Call whose result is not known. It remains only if the execution was terminated in it. */
  #pending: SendCall | undefined
  #next: number
  #lossReason: string | undefined

  /** @param firstId - id of the first send */
  constructor(firstId = 0) {
    this.#next = firstId
  }

  get isAwaited(): boolean {
    return this.#waits.size > 0
  }

  /** Reason why completions are no longer known; undefined while they are. */
  get lossReason(): string | undefined {
    if (this.#pending !== undefined) this.lose(TERMINATED)
    return this.#lossReason
  }

  /** Records a call that makes up to `count` sends of a batch. The memory is kept alive until they are completed. */
  begin(messages: Messages, count: number): SendCall {
    const call = { messages, first: this.#next, left: count, count }
    this.#pending = call
    kept.add(this)
    this.inFlight += count
    messages.inFlight += count
    this.#calls.push(call)
    this.#next = (this.#next + count) >>> 0
    return call
  }

  /** Corrects the record of the last call: the kernel accepted `accepted` sends. */
  settle(call: SendCall, accepted: number): void {
    const rejected = call.count - accepted
    call.count = accepted
    call.left -= rejected
    call.messages.inFlight -= rejected
    this.inFlight -= rejected
    this.#next = (this.#next - rejected) >>> 0
    if (accepted === 0) this.#calls.pop()
    if (this.inFlight === 0) kept.delete(this)
    this.#pending = undefined
  }

  complete(first: number, last: number, isCopied: boolean): void {
    if (this.lossReason !== undefined) return
    const base = this.#calls.length === 0 ? this.#next : this.#calls[0].first
    const start = (first - base) >>> 0
    const end = start + ((last - first) >>> 0) + 1
    const issued = (this.#next - base) >>> 0
    if (end === issued + 1 && this.hasFailed) {
      this.#next = (this.#next + 1) >>> 0
      this.hasFailed = false
    } else if (end > issued) {
      this.lose(`the kernel completed the sends ${first} to ${last}, which are not from this socket object`)
      return
    }
    const count = this.#release(base, start, end)
    this.completed += count
    if (isCopied) this.copied += count
    this.copiedInRow = isCopied ? this.copiedInRow + count : 0
    this.inFlight -= count
    if (this.inFlight === 0) kept.delete(this)
    this.#settle()
  }

  /** Returns true if the kernel may still read memory of the batch that this socket has sent. */
  has(messages: Messages): boolean {
    return this.#calls.some((call) => call.messages === messages && call.left > 0)
  }

  /**
   * Resolves when the kernel no longer reads the batch's memory.
   *
   * @throws the signal's reason, if it is aborted; Error `ERR_RELEASE_UNKNOWN` if that will never be known
   */
  async released(messages: Messages, signal: AbortSignal | undefined): Promise<void> {
    if (!this.has(messages)) return
    await abortable(signal, (resolve, reject) => {
      const wait = { messages, resolve, reject }
      this.assertKnown()
      this.#waits.add(wait)
      if (this.#waits.size === 1) this.onAwaited(true)
      return () => {
        this.#waits.delete(wait)
        if (this.#waits.size === 0) this.onAwaited(false)
      }
    })
  }

  /** @throws Error `ERR_RELEASE_UNKNOWN` */
  assertKnown(): void {
    const { lossReason } = this
    if (lossReason !== undefined) throw lossError(lossReason)
  }

  /** Gives up: the memory of the sends in flight stays referenced until the thread ends. */
  lose(reason: string): void {
    if (this.#lossReason !== undefined) return
    this.#lossReason = reason
    for (const { reject } of this.#waits) reject(lossError(reason))
  }

  /** Completes the sends from `start` to `end`, counted from id `base`. @returns their number */
  #release(base: number, start: number, end: number): number {
    let total = 0
    for (const call of this.#calls) {
      const at = (call.first - base) >>> 0
      if (at >= end) break
      const count = Math.min(end, at + call.count) - Math.max(start, at)
      if (count <= 0) continue
      call.left -= count
      call.messages.inFlight -= count
      total += count
    }
    let done = 0
    while (done < this.#calls.length && this.#calls[done].left === 0) done += 1
    if (done > 0) this.#calls.splice(0, done)
    return total
  }

  #settle(): void {
    for (const { messages, resolve } of this.#waits) if (!this.has(messages)) resolve()
  }
}

function lossError(reason: string): Error {
  return Object.assign(new Error(`the end of the batch's zero-copy sends will never be known: ${reason}`), {
    code: 'ERR_RELEASE_UNKNOWN',
  })
}

const TERMINATED = 'the execution was terminated during a zero-copy send'

/** Sends of one system call. */
export interface SendCall {
  readonly messages: Messages
  /** Id of the first send. */
  readonly first: number
  count: number
  /** Number of sends that are not completed. */
  left: number
}

interface Wait {
  readonly messages: Messages
  resolve(): void
  reject(reason: unknown): void
}

/** Keeps batches, with the memory they reference, while the kernel may read it, even if the caller drops batch and socket. */
const kept = new Set<ZeroCopySends>()
