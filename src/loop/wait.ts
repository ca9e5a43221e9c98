import { EPOLLIN, EPOLLOUT } from '../libc/constants.js'
import { reactor, type Watch } from './reactor.js'

/** What is waited for. */
export type Direction = 'readable' | 'writable'

/**
 * Everybody who waits for one descriptor: any number of promises for either direction over one watch.
 */
export class Waiters {
  readonly #fd: number
  readonly #waiting: Record<Direction, Set<Waiter>> = { readable: new Set(), writable: new Set() }
  #watch: Watch | undefined

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

  /** Rejects everybody and stops watching. Call it before the descriptor is closed. */
  close(reason: () => Error): void {
    for (const waiters of Object.values(this.#waiting)) {
      for (const waiter of waiters) waiter.reject(reason())
      waiters.clear()
    }
    this.#refresh()
  }

  #refresh(): void {
    const { readable, writable } = this.#waiting
    const events = (readable.size > 0 ? EPOLLIN : 0) | (writable.size > 0 ? EPOLLOUT : 0)
    if (events === 0) {
      this.#watch?.close()
      this.#watch = undefined
    } else if (this.#watch === undefined) {
      this.#watch = reactor().watch(this.#fd, events, (ready) => this.#wake(ready))
    } else {
      this.#watch.update(events)
    }
  }

  #wake(ready: number): void {
    const isError = (ready & ~(EPOLLIN | EPOLLOUT)) !== 0
    if (isError || (ready & EPOLLIN) !== 0) this.#settle('readable')
    if (isError || (ready & EPOLLOUT) !== 0) this.#settle('writable')
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
