import * as timers from 'node:timers'
import type { Messages } from '../batch/messages.js'
import type { Waiters } from '../loop/wait.js'
import { nowMs, pollBlocking } from './poll.js'
import type { ZeroCopy } from './zero-copy.js'

/** Waits, on the event loop or blocking the thread, until the kernel no longer reads the memory of zero-copy sends. */
export class ReleaseWait {
  readonly #zeroCopy: ZeroCopy
  readonly #waiters: Waiters
  #isClosed = false

  constructor(zeroCopy: ZeroCopy, waiters: Waiters) {
    this.#zeroCopy = zeroCopy
    this.#waiters = waiters
    // Only a wait wakes the event loop for completions.
    zeroCopy.sends.onAwaited = (isAwaited) => this.#watch(isAwaited)
  }

  /** @throws the signal's reason, if it is aborted; Error `ERR_RELEASE_UNKNOWN` */
  async wait(messages: Messages, signal: AbortSignal | undefined): Promise<void> {
    const { sends } = this.#zeroCopy
    if (!this.#isClosed && sends.has(messages)) this.#zeroCopy.drain()
    return sends.released(messages, signal)
  }

  /** @returns false after the timeout */
  waitBlocking(fd: number, messages: Messages, timeoutMs: number): boolean {
    const { sends } = this.#zeroCopy
    // Usually the completions have arrived.
    if (sends.has(messages)) this.#zeroCopy.drain()
    if (!sends.has(messages)) return true
    const deadline = nowMs() + timeoutMs
    for (let before = -1; sends.has(messages); before = sends.inFlight) {
      this.#zeroCopy.drain()
      sends.assertKnown()
      const leftMs = deadline - nowMs()
      if (!sends.has(messages)) return true
      if (leftMs <= 0) return false
      // A stored ICMP error keeps the descriptor ready although there is no completion; poll(2) ignores descriptor -1.
      if (sends.inFlight === before) pollBlocking(-1, 0, Math.min(leftMs, PAUSE_MS))
      else pollBlocking(fd, 0, leftMs)
    }
    return true
  }

  /** Called on an error event of the descriptor. */
  noteEvent(): void {
    const { sends } = this.#zeroCopy
    const before = sends.inFlight
    if (before === 0) return
    this.#zeroCopy.drain()
    if (sends.inFlight < before || !sends.isAwaited) return
    // A stored ICMP error, which only a send or receive reads, would repeat the event at once; so does shutdown(2) elsewhere.
    this.#watch(false)
    setTimeout(() => this.#watch(sends.isAwaited), PAUSE_MS)
  }

  /** Called before the descriptor is closed. */
  close(): void {
    this.#isClosed = true
  }

  #watch(isWatched: boolean): void {
    if (!this.#isClosed) this.#waiters.watchErrors(isWatched)
  }
}

/** Time after an error event without a completion, in milliseconds: the event would repeat at once. */
export const PAUSE_MS = 5

// Captured at load, so that fake timers installed later cannot stop a wait.
const { setTimeout } = timers
