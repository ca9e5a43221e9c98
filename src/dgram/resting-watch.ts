import type { AsyncResource } from 'node:async_hooks'
import * as timers from 'node:timers'
import type { Watch } from '../loop/reactor.js'

/**
 * A watch that stays out of the way of large batches. For each datagram that leaves a socket the kernel wakes whoever
 * watches it, because there is room again (sock_wfree in net/core/sock.c): a fourteenth of what sending costs, for nobody.
 * So the socket is taken off the epoll first, and until a turn of the event loop has gone by without another large batch
 * it is looked at once a turn instead.
 */
export class RestingWatch {
  readonly #watch: Watch
  readonly #look: () => void
  readonly #context: AsyncResource
  #isReferenced = true
  #isBusy = false
  #turn: NodeJS.Immediate | undefined

  /**
   * @param look - sees what has arrived, without waiting
   * @param context - the async context to look in: who sends the batch has one too, which would be held meanwhile
   */
  constructor(watch: Watch, look: () => void, context: AsyncResource) {
    this.#watch = watch
    this.#look = look
    this.#context = context
  }

  /** A large batch is about to be sent. */
  rest(): void {
    this.#isBusy = true
    // A loop that nothing keeps alive would wait in the epoll, and the turn would not come.
    if (this.#turn !== undefined || !this.#isReferenced) return
    this.#watch.pause()
    this.#turn = this.#context.runInAsyncScope(nextTurn, undefined, this)
  }

  /** The end of a turn of the event loop. */
  next(): void {
    if (!this.#isBusy) {
      this.#wake()
      return
    }
    this.#isBusy = false
    this.#turn = nextTurn(this)
    this.#look()
  }

  ref(): void {
    this.#isReferenced = true
    this.#watch.ref()
  }

  unref(): void {
    this.#isReferenced = false
    this.#wake()
    this.#watch.unref()
  }

  update(events: number): void {
    this.#wake()
    this.#watch.update(events)
  }

  close(): void {
    clearImmediate(this.#turn)
    this.#turn = undefined
    this.#watch.close()
  }

  #wake(): void {
    if (this.#turn === undefined) return
    clearImmediate(this.#turn)
    this.#turn = undefined
    this.#watch.resume()
  }
}

function nextTurn(watch: RestingWatch): NodeJS.Immediate {
  return setImmediate(onTurn, watch)
}

function onTurn(watch: RestingWatch): void {
  watch.next()
}

// Not those of whoever puts clocks of their own in their place: the socket would be deaf until they turn them.
const { setImmediate, clearImmediate } = timers
