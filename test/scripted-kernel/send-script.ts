import type { ENOSYS, EPERM } from '../../src/libc/constants.js'
import type { Outgoing, SocketFacts } from './outgoing.js'

/** An errno; `ACCEPT`; or `NOTHING` for a return value of 0, which has no errno. */
export type Answer = number

export const ACCEPT = -1

export const NOTHING = 0

/** A temporary answer in the script: after some messages, for some attempts. */
export interface SendEvent {
  /** Number of messages accepted before it. */
  readonly accept: number
  readonly answer: Answer
  /** True if only a GSO send gets it; the event is dropped if the next message is another. */
  readonly gsoOnly: boolean
  /** Number of consecutive attempts that get it. */
  readonly times: number
}

/** A limit of the path to one destination. */
export interface PathLimit {
  /** Largest datagram, or segment, that the path accepts. */
  readonly bytes: number
  readonly answer: Answer
  /** False if the path fragments single datagrams, so that only segments are limited. */
  readonly singles: boolean
}

/** Properties of kernel, devices and network that do not change during a case. */
export interface World {
  /**
   * Errno of every sendmmsg; 0 if it works. A kernel without sendmmsg returns ENOSYS, a seccomp filter EPERM as well.
   */
  readonly sendmmsg: 0 | typeof ENOSYS | typeof EPERM
  /** Per socket: errno of every GSO send; 0 if the device accepts them. */
  readonly device: readonly Answer[]
  /** Per destination. */
  readonly paths: readonly (PathLimit | undefined)[]
  /** Per destination: errno of every message; 0 if they are accepted. */
  readonly unreachable: readonly Answer[]
}

export const COOPERATIVE_WORLD: World = { sendmmsg: 0, device: [], paths: [], unreachable: [] }

/** Determines the answer to each message. */
export class SendScript {
  readonly #world: World
  readonly #events: readonly SendEvent[]
  readonly #destinations: readonly string[]
  #event = 0
  #accepted = 0
  #answered = 0

  /** @param destinations - those of the world's lists, in the notation of `Outgoing` */
  constructor(world: World, events: readonly SendEvent[], destinations: readonly string[]) {
    this.#world = world
    this.#events = events
    this.#destinations = destinations
  }

  /** Number of remaining answers of the events. */
  get eventsLeft(): number {
    const rest = this.#events.slice(this.#event)
    return rest.reduce((sum, { times }) => sum + times, 0)
  }

  /** Errno of a whole sendmmsg call, which fails before any message is read. */
  get batchedCallAnswer(): Answer {
    return this.#world.sendmmsg
  }

  answer(message: Outgoing, socket: SocketFacts): Answer {
    const due = this.#takeEvent(message)
    return due === ACCEPT ? this.#worldAnswer(message, socket) : due
  }

  #takeEvent(message: Outgoing): Answer {
    for (; this.#event < this.#events.length; this.#event += 1, this.#accepted = 0, this.#answered = 0) {
      const { accept, answer, gsoOnly, times } = this.#events[this.#event]
      if (this.#accepted < accept) {
        this.#accepted += 1
        return ACCEPT
      }
      if (this.#answered >= times || (gsoOnly && message.segmentBytes === 0)) continue
      this.#answered += 1
      return answer
    }
    return ACCEPT
  }

  #worldAnswer(message: Outgoing, socket: SocketFacts): Answer {
    const { device, paths, unreachable } = this.#world
    const { segmentBytes, byteLength } = message
    if (byteLength > MAX_DATAGRAM_BYTES && segmentBytes === 0) return EMSGSIZE
    const destination = this.#destinations.indexOf(message.destination)
    const refusal = unreachable[destination] || 0
    if (refusal !== 0) return refusal
    const isGso = segmentBytes > 0 && byteLength > segmentBytes
    const deviceAnswer = device[socket.index] || 0
    if (isGso && deviceAnswer !== 0) return deviceAnswer
    const path = paths[destination]
    if (path === undefined || (!isGso && !path.singles)) return ACCEPT
    return (isGso ? segmentBytes : byteLength) > path.bytes ? path.answer : ACCEPT
  }
}

const EMSGSIZE = 90

const MAX_DATAGRAM_BYTES = 65_507
