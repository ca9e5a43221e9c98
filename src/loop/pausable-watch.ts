import type { AsyncResource } from 'node:async_hooks'
import * as timers from 'node:timers'
import { EPOLLERR, EPOLLOUT } from '../libc/constants.js'
import type { Watch } from './reactor.js'

/**
 * A watch that is paused while a socket is busy. The kernel runs the wake-up of a watch for each datagram that arrives
 * (sock_def_readable in net/core/sock.c), on loopback at the sender's expense, and for each one that leaves, because there is
 * room again (sock_wfree): about 7 % of the cost of sending. So the socket is taken off the epoll and checked once per loop
 * iteration, until few messages arrive in `QUIET_ITERATIONS` of them: with a shorter wait, a receiver that is faster than its
 * sender would return to the epoll after each batch. After several waits in vain, the next pauses end without one.
 */
export class PausableWatch {
  readonly #watch: Watch
  readonly #receive: () => void
  readonly #context: AsyncResource
  #events: number
  #isReferenced = true
  #isBusy = false
  /** Number of messages that were received, and of loop iterations, since the socket was last busy. */
  #received = 0
  #quiet = 0
  /** Number of successive waits in vain, and of next pauses that end without a wait. */
  #vain = 0
  #short = 0
  #check: NodeJS.Immediate | undefined

  /**
   * @param events - events of the watch
   * @param receive - receives what has arrived, without waiting
   * @param context - the async context of `receive`; the sender's would be kept alive meanwhile
   */
  constructor(watch: Watch, events: number, receive: () => void, context: AsyncResource) {
    this.#watch = watch
    this.#events = events
    this.#receive = receive
    this.#context = context
  }

  /**
   * Counts messages that were received in one loop iteration. Pauses the watch if they are many.
   *
   * @returns true if they are many: more are expected at once
   */
  received(messages: number): boolean {
    this.#received += messages
    if (messages < LARGE_BATCH) return false
    this.pause()
    return true
  }

  /** Pauses the watch. A watch for writability or errors stays, because the checks only receive. */
  pause(): void {
    this.#isBusy = true
    // With nothing referenced the loop would block in the epoll, and the check would not run.
    if (this.#check !== undefined || !this.#isReferenced || (this.#events & (EPOLLOUT | EPOLLERR)) !== 0) return
    this.#watch.pause()
    this.#check = this.#context.runInAsyncScope(checkSoon, undefined, this)
  }

  /** Ends a loop iteration. */
  next(): void {
    if (this.#isQuiet()) {
      this.#resume()
      return
    }
    this.#check = checkSoon(this)
    this.#receive()
  }

  ref(): void {
    this.#isReferenced = true
    this.#watch.ref()
  }

  unref(): void {
    this.#isReferenced = false
    this.#resume()
    this.#watch.unref()
  }

  update(events: number): void {
    this.#events = events
    this.#resume()
    this.#watch.update(events)
  }

  close(): void {
    clearImmediate(this.#check)
    this.#check = undefined
    this.#watch.close()
  }

  #isQuiet(): boolean {
    if (this.#isBusy || this.#received >= LARGE_BATCH) {
      if (this.#quiet > 0) this.#vain = 0
      this.#isBusy = false
      this.#received = 0
      this.#quiet = 0
      return false
    }
    if (this.#short > 0) {
      this.#short -= 1
      return true
    }
    this.#quiet += 1
    if (this.#quiet < QUIET_ITERATIONS) return false
    this.#quiet = 0
    this.#vain = Math.min(this.#vain + 1, MAX_VAIN)
    if (this.#vain >= TOLERATED_VAIN) this.#short = 2 ** (this.#vain - TOLERATED_VAIN)
    return true
  }

  #resume(): void {
    if (this.#check === undefined) return
    clearImmediate(this.#check)
    this.#check = undefined
    this.#watch.resume()
  }
}

function checkSoon(watch: PausableWatch): NodeJS.Immediate {
  return setImmediate(onImmediate, watch)
}

function onImmediate(watch: PausableWatch): void {
  watch.next()
}

// Captured at load, so that fake timers installed later cannot stop the socket from receiving.
const { setImmediate, clearImmediate } = timers

/** Number of messages from which a socket is busy: a pause costs as much as half this number of wake-ups. */
export const LARGE_BATCH = 64

/** An iteration that receives nothing takes about 2.5 us. */
const QUIET_ITERATIONS = 128

const TOLERATED_VAIN = 4
const MAX_VAIN = TOLERATED_VAIN + 8
