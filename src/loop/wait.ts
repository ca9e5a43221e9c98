import { AsyncResource } from 'node:async_hooks'
import { typeError } from '../arguments/errors.js'
import { EPOLLIN, EPOLLOUT } from '../libc/constants.js'
import { reactor, type Watch } from './reactor.js'

/** What is waited for. */
export type Direction = 'readable' | 'writable'

/** A lasting interest in a descriptor. */
export interface Listening {
  /** Ends it. */
  close(): void
}

/**
 * Everybody who waits for one descriptor: any number of promises for either direction, and one listener, over one watch.
 */
export class Waiters {
  readonly #fd: number
  readonly #waiting: Record<Direction, Set<Waiter>> = { readable: new Set(), writable: new Set() }
  #listener: (() => void) | undefined
  #watch: Watch | undefined
  #events = 0
  #isReferenced = true

  constructor(fd: number) {
    this.#fd = fd
  }

  /**
   * Settles when the descriptor is readable or writable, or has an error to tell.
   *
   * @throws the signal's reason, once it is aborted
   */
  async wait(direction: Direction, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, waiter } = newWaiter()
    const onAbort = () => waiter.reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#waiting[direction].add(waiter)
    try {
      this.#refresh()
      await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#waiting[direction].delete(waiter)
      this.#refresh()
    }
  }

  /**
   * Calls back every time the descriptor is readable or has an error to tell, in the caller's async context.
   *
   * @param callback - is given what tells whether it is still wanted
   */
  listen(callback: (isOpen: () => boolean) => void): Listening {
    if (this.#listener !== undefined) {
      throw typeError('ERR_INVALID_STATE', 'the socket has a readable callback already; close that first')
    }
    const isOpen = () => this.#listener === listener
    const context = new AsyncResource('BATCHCONN_READABLE')
    const listener = () => context.runInAsyncScope(callback, undefined, isOpen)
    this.#listener = listener
    try {
      this.#refresh()
    } catch (error) {
      this.#listener = undefined
      throw error
    }
    return {
      close: () => {
        if (!isOpen()) return
        this.#listener = undefined
        this.#refresh()
      },
    }
  }

  /** Whether waiting keeps the process alive. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced
    if (isReferenced) this.#watch?.ref()
    else this.#watch?.unref()
  }

  /** Rejects everybody and stops watching. Call it before the descriptor is closed. */
  close(reason: () => Error): void {
    this.#listener = undefined
    for (const waiters of Object.values(this.#waiting)) {
      for (const waiter of waiters) waiter.reject(reason())
      waiters.clear()
    }
    this.#refresh()
  }

  #refresh(): void {
    const { readable, writable } = this.#waiting
    const isReading = readable.size > 0 || this.#listener !== undefined
    const events = (isReading ? EPOLLIN : 0) | (writable.size > 0 ? EPOLLOUT : 0)
    if (events === this.#events) return
    if (events === 0) {
      this.#watch?.close()
      this.#watch = undefined
    } else if (this.#watch === undefined) {
      this.#watch = reactor().watch(this.#fd, events, (ready) => this.#wake(ready))
      if (!this.#isReferenced) this.#watch.unref()
    } else {
      this.#watch.update(events)
    }
    this.#events = events
  }

  #wake(ready: number): void {
    const isError = (ready & ~(EPOLLIN | EPOLLOUT)) !== 0
    if (isError || (ready & EPOLLOUT) !== 0) this.#settle('writable')
    if (isError || (ready & EPOLLIN) !== 0) {
      this.#settle('readable')
      this.#listener?.()
    }
    this.#refresh()
  }

  #settle(direction: Direction): void {
    for (const waiter of this.#waiting[direction]) waiter.resolve()
    this.#waiting[direction].clear()
  }
}

interface Waiter {
  resolve(): void
  reject(reason: unknown): void
}

function newWaiter(): { promise: Promise<void>; waiter: Waiter } {
  let waiter: Waiter | undefined
  const promise = new Promise<void>((resolve, reject) => {
    waiter = { resolve, reject }
  })
  return { promise, waiter: waiter as Waiter }
}
