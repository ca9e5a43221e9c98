import type { AsyncResource } from 'node:async_hooks'
import * as timers from 'node:timers'
import { EPOLLERR, EPOLLOUT } from '../libc/constants.js'
import { Flood } from './flood.js'
import type { Watch } from './reactor.js'

/**
 * A watch that is paused during a flood. The kernel runs the wake-up of a watch for each datagram that arrives
 * (sock_def_readable in net/core/sock.c), on loopback at the sender's expense, and for each one that leaves, because there is
 * room again (sock_wfree): about 7 % of the cost of sending. So the socket is taken off the epoll and checked once per loop
 * iteration until the flood is over.
 */
export class PausableWatch {
  readonly #watch: Watch
  readonly #receive: () => void
  readonly #context: AsyncResource
  readonly #flood = new Flood()
  #events: number
  #isReferenced = true
  #isPaused = false
  /** Number of the current check: earlier ones have no effect. */
  #check = 0

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

  /** Counts messages that were received in one loop iteration. Pauses the watch if they are many. */
  received(messages: number): void {
    if (this.#flood.received(messages)) this.pause()
  }

  /** Pauses the watch. A watch for writability or errors stays, because the checks only receive. */
  pause(): void {
    this.#flood.begin()
    // With nothing referenced the loop would block in the epoll, and the check would not run.
    if (this.#isPaused || !this.#isReferenced || (this.#events & (EPOLLOUT | EPOLLERR)) !== 0) return
    this.#watch.pause()
    this.#isPaused = true
    this.#context.runInAsyncScope(this.#checkSoon, this)
  }

  /** Ends the pause. */
  resume(): void {
    if (!this.#isPaused) return
    this.#stop()
    this.#watch.resume()
  }

  /** Ends a loop iteration. */
  next(check: number): void {
    if (check !== this.#check) return
    if (this.#flood.isOver()) {
      this.resume()
      return
    }
    this.#checkSoon()
    this.#receive()
  }

  ref(): void {
    this.#isReferenced = true
    this.#watch.ref()
  }

  unref(): void {
    this.#isReferenced = false
    this.resume()
    this.#watch.unref()
  }

  update(events: number): void {
    this.#events = events
    this.resume()
    this.#watch.update(events)
  }

  close(): void {
    this.#stop()
    this.#watch.close()
  }

  #checkSoon(): void {
    setImmediate(onImmediate, this, this.#check)
  }

  // An immediate that is cleared after another one has thrown can make Node call the cleared one without end (`_idleNext` of null
  // in lib/internal/timers.js): leave it, without effect.
  #stop(): void {
    this.#isPaused = false
    this.#check += 1
  }
}

function onImmediate(watch: PausableWatch, check: number): void {
  watch.next(check)
}

// Captured at load, so that fake timers installed later cannot stop the socket from receiving.
const { setImmediate } = timers
