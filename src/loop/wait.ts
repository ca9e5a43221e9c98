import { AsyncResource } from 'node:async_hooks'
import { typeError } from '../arguments/errors.js'
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, ESHUTDOWN } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { abortable } from './abort.js'
import { PausableWatch } from './pausable-watch.js'
import { reactor } from './reactor.js'

/** Direction of a wait. */
export type Direction = 'readable' | 'writable'

/** Registered listener. */
export interface Listening {
  /** Removes the listener. */
  close(): void
}

/** Readiness event of a listener. */
export interface ReadableEvent {
  /** False once the listener was closed. */
  isOpen(): boolean
  /** True if no more datagrams can arrive: another process or descriptor has shut the socket down (shutdown(2)). */
  readonly isShutDown: boolean
  /** Removes the listener. */
  close(): void
}

/** Waits on one descriptor with one watch: any number of promises per direction, and one listener. */
export class Waiters {
  readonly #fd: number
  readonly #onErrorEvent: () => void
  readonly #waiting: Record<Direction, Set<Waiter>> = { readable: new Set(), writable: new Set() }
  #listener: Listener | undefined
  #watch: PausableWatch | undefined
  #events = 0
  #isReferenced = true
  #isShutDown = false
  #watchesErrors = false
  #isClosed = false

  /** @param onErrorEvent - called on an error event (EPOLLERR, EPOLLHUP), before the waits are settled */
  constructor(fd: number, onErrorEvent: () => void = () => {}) {
    this.#fd = fd
    this.#onErrorEvent = onErrorEvent
  }

  /**
   * Resolves when the descriptor is readable or writable, or has an error to report.
   *
   * @throws the signal's reason, if it is aborted; ErrnoError `ESHUTDOWN` if no more datagrams can arrive
   */
  wait(direction: Direction, signal?: AbortSignal): Promise<void> {
    return abortable(signal, (resolve, reject) => {
      this.#assertOpen()
      // The previous wait was resolved, so that queued datagrams could be received.
      if (direction === 'readable' && this.#isShutDown) throw shutDownError()
      const waiter = { resolve, reject }
      const waiting = this.#waiting[direction]
      waiting.add(waiter)
      try {
        this.#refresh()
      } catch (error) {
        waiting.delete(waiter)
        throw error
      }
      return () => {
        if (waiting.delete(waiter)) this.#refresh()
      }
    })
  }

  /**
   * Calls back whenever the descriptor is readable or has an error to report, in the caller's async context.
   *
   * @param callback - returns the number of messages it received: after many, the descriptor is not watched for some loop
   *   iterations, but the callback is called in each of them
   * @throws TypeError `ERR_INVALID_STATE` if there is already a listener
   */
  listen(callback: (event: ReadableEvent) => number): Listening {
    if (this.#listener !== undefined) {
      throw typeError('ERR_INVALID_STATE', 'the socket already has a readable callback; close that first')
    }
    this.#assertOpen()
    const isOpen = () => this.#listener === listener
    const close = () => {
      if (!isOpen()) return
      this.#listener = undefined
      this.#refresh()
      // Nothing receives during a pause without a listener.
      this.#watch?.resume()
    }
    const context = new AsyncResource('BATCHCONN_READABLE')
    const listener: Listener = (isShutDown) =>
      context.runInAsyncScope(callback, undefined, { isOpen, isShutDown, close })
    this.#listener = listener
    try {
      this.#refresh()
    } catch (error) {
      this.#listener = undefined
      throw error
    }
    return { close }
  }

  /** Sets whether error events are reported, also while nothing else waits. */
  watchErrors(isWatched: boolean): void {
    this.#watchesErrors = isWatched
    this.#refresh()
  }

  /** Sets whether the waits keep the process alive. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced
    if (isReferenced) this.#watch?.ref()
    else this.#watch?.unref()
  }

  /** Rejects all waits and stops watching. Call it before the descriptor is closed. */
  close(reason: () => Error): void {
    this.#isClosed = true
    this.#listener = undefined
    this.#watchesErrors = false
    for (const waiters of Object.values(this.#waiting)) {
      for (const waiter of waiters) waiter.reject(reason())
      waiters.clear()
    }
    this.#refresh()
  }

  #refresh(): void {
    const { readable, writable } = this.#waiting
    const isReading = readable.size > 0 || this.#listener !== undefined
    const events = (isReading ? EPOLLIN : 0) | (writable.size > 0 ? EPOLLOUT : 0) | (this.#watchesErrors ? EPOLLERR : 0)
    if (events === this.#events) return
    if (events === 0) {
      this.#watch?.close()
      this.#watch = undefined
    } else if (this.#watch === undefined) {
      const owner = reactor()
      const context = new AsyncResource('BATCHCONN')
      // An async hook may have closed the socket, whose descriptor may belong to another one by now.
      this.#assertOpen()
      const watch = owner.watch(this.#fd, events, (ready) => this.#wake(ready), context)
      this.#watch = new PausableWatch(watch, events, () => this.#poll(), context)
      if (!this.#isReferenced) this.#watch.unref()
    } else {
      this.#watch.update(events)
    }
    this.#events = events
  }

  #assertOpen(): void {
    if (this.#isClosed) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
  }

  #wake(ready: number): void {
    if ((ready & (EPOLLERR | EPOLLHUP)) !== 0) this.#onErrorEvent()
    const isShutDown = (ready & (EPOLLRDHUP | EPOLLHUP)) !== 0
    const isError = isShutDown || (ready & EPOLLERR) !== 0
    if (isError || (ready & EPOLLOUT) !== 0) this.#settle('writable')
    if (isError || (ready & EPOLLIN) !== 0) {
      this.#settle('readable')
      this.#isShutDown = isShutDown
      this.#notify(isShutDown)
    }
    this.#refresh()
  }

  /** Calls the listener while the descriptor is not watched, and settles other waits if there was something to receive. */
  #poll(): void {
    if (this.#notify(false) > 0) this.#settle('readable')
    this.#refresh()
  }

  #notify(isShutDown: boolean): number {
    const listener = this.#listener
    const received = listener?.(isShutDown) ?? 0
    if (this.#listener === listener) this.#watch?.received(received)
    return received
  }

  #settle(direction: Direction): void {
    for (const waiter of this.#waiting[direction]) waiter.resolve()
    this.#waiting[direction].clear()
  }
}

/** Returns the error for a socket that another process or descriptor has shut down for receiving. */
export function shutDownError(): ErrnoError {
  return new ErrnoError(ESHUTDOWN, 'epoll_wait')
}

/** @returns number of messages it received */
type Listener = (isShutDown: boolean) => number

interface Waiter {
  resolve(): void
  reject(reason: unknown): void
}
