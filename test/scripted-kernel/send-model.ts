import { EAGAIN, EINTR, EINVAL, EIO, ENOBUFS } from '../../src/libc/constants.js'
import type { Outgoing, SocketFacts } from './outgoing.js'
import type { BatchSpec } from './send-case.js'
import type { Refusal, SendObserver } from './send-kernel.js'
import { type Expected, OTHER_FAMILY } from './send-messages.js'
import { NOTHING } from './send-script.js'
import type { SendTally } from './send-tally.js'
import { expect } from './violation.js'

/** Reason why a message must not be passed to the kernel through a socket. */
export type Unsendable = 'ERR_MEMORY_DETACHED' | 'ERR_DESTINATION_MISSING' | 'ERR_ADDRESS_FAMILY'

/**
 * Messages of a batch, and how many of them the kernel has accepted. Every datagram that the kernel accepts must be the
 * next one here: same bytes, destination and options. That makes each message end once, and in order. With `coalesce`, the
 * next one of any destination may come: only messages to one destination are in order.
 */
export class SendModel implements SendObserver {
  readonly messages: Expected[] = []
  /** Number of messages that are done: the position of the next one in `order`. */
  position = 0
  /** Number of datagrams of the next message that were sent: segments of a GSO message. */
  segments = 0
  /** Rejections of the next message that the library could see, since `begin` or since it became the next. */
  refusals: Refusal[] = []
  readonly tally: SendTally
  calls = 0
  /** Calls that accepted at least one message. */
  acceptingCalls = 0
  /** Visible answers other than EINTR and an acceptance. */
  failures = 0
  interruptions = 0
  hasRefused = false
  lastAnswer: number | undefined
  readonly #batch: BatchSpec
  readonly #rejectedGso = new Set<number>()
  #hasAcceptedInCall = false
  /** Indices of the messages, in the order in which they are done. */
  readonly #order: number[] = []

  constructor(batch: BatchSpec, tally: SendTally) {
    this.#batch = batch
    this.tally = tally
  }

  get remaining(): number {
    return this.messages.length - this.position
  }

  /** Number of datagrams of the remaining messages. */
  get remainingDatagrams(): number {
    return this.pending.reduce((sum, index) => sum + this.messages[index].datagrams.length, 0)
  }

  /** Indices of the messages that are left. */
  get pending(): readonly number[] {
    this.#extendOrder()
    return this.#order.slice(this.position)
  }

  /** Index of the next message; undefined if none is left. */
  get index(): number | undefined {
    this.#extendOrder()
    return this.#order[this.position]
  }

  /** Indices of the messages that may come next: the first of each destination with `coalesce`, otherwise one. */
  get candidates(): number[] {
    const { index: next } = this
    if (this.segments > 0 || !this.#batch.coalesce) return next === undefined ? [] : [next]
    const first = new Map<string, number>()
    for (const index of this.pending) {
      const { destination } = this.messages[index]
      if (!first.has(destination)) first.set(destination, index)
    }
    return [...first.values()]
  }

  /** Makes a message the next one. @throws Violation if it is no candidate */
  select(index: number): void {
    if (index === this.index) return
    expect(this.candidates.includes(index), () => `message ${index} came; it is the turn of ${this.candidates}`)
    this.#order.splice(this.position, 0, ...this.#order.splice(this.#order.indexOf(index, this.position), 1))
  }

  /** True if a GSO send on this socket got an error that the device can cause. */
  hasRejectedGso({ fd }: SocketFacts): boolean {
    return this.#rejectedGso.has(fd)
  }

  /** Begins an operation of the caller. */
  begin(): void {
    this.refusals = []
    this.calls = 0
    this.acceptingCalls = 0
    this.failures = 0
    this.interruptions = 0
    this.hasRefused = false
    this.lastAnswer = undefined
  }

  /** The caller, or `sendAll`, gives up the next message. */
  skip(): void {
    this.position += 1
    this.segments = 0
    this.refusals = []
  }

  rewind(): void {
    this.position = 0
    this.segments = 0
  }

  clear(): void {
    this.messages.length = 0
    this.#order.length = 0
    this.rewind()
  }

  /** Reason why a message, by default the next one, must not reach the kernel through a socket. */
  unsendable(socket: SocketFacts, index = this.index): Unsendable | undefined {
    if (index === undefined) return undefined
    const next = this.messages[index]
    if (isDetached(next)) return 'ERR_MEMORY_DETACHED'
    if (next.destination === OTHER_FAMILY) return 'ERR_ADDRESS_FAMILY'
    if (next.destination === '' && !socket.isConnected) return 'ERR_DESTINATION_MISSING'
    return undefined
  }

  called(): void {
    this.calls += 1
    expect(this.calls <= ENDLESS_CALLS, () => `send does not end: ${this.calls} system calls`)
    this.#hasAcceptedInCall = false
  }

  shown({ segmentBytes, byteLength, datagrams }: Outgoing, socket: SocketFacts): void {
    if (segmentBytes === 0 || byteLength <= segmentBytes) return
    const { maxSegments } = this.#batch
    expect(datagrams.length <= maxSegments, () => `${datagrams.length} segments, maxSegments is ${maxSegments}`)
    expect(socket.gso, () => 'a GSO send on a socket opened with gso: false')
  }

  accepted({ destination, options, datagrams, segmentBytes }: Outgoing): void {
    if (!this.#hasAcceptedInCall) this.acceptingCalls += 1
    this.#hasAcceptedInCall = true
    this.lastAnswer = undefined
    const first = this.position
    for (const datagram of datagrams) {
      this.#selectFor(destination)
      expect(this.index !== undefined, () => 'the kernel got a datagram after the last message')
      const next = this.messages[this.index]
      const name = () => `message ${this.index}, datagram ${this.segments}`
      expect(destination === next.destination, () => `${name()} went to ${destination}, not to ${next.destination}`)
      expect(options === next.options, () => `${name()} has options '${options}', not '${next.options}'`)
      const due = next.datagrams[this.segments]
      expect(Buffer.compare(datagram, due) === 0, () => `${name()} is ${show(datagram)}, not ${show(due)}`)
      this.#advance(next)
    }
    if (this.position > first + 1) expect(this.#batch.coalesce, () => 'messages were joined without coalesce')
    this.tally.datagrams += datagrams.length
    if (datagrams.length > 1) this.tally.gsoSends += 1
    if (segmentBytes === 0 && this.segments > 0) this.tally.partMessages += 1
  }

  refused(refusal: Refusal, socket: SocketFacts): void {
    this.hasRefused = true
    this.tally.refusals += 1
    if (!refusal.isVisible) return
    const { answer, message } = refusal
    if (message !== undefined && message.segmentBytes > 0 && (answer === EIO || answer === EINVAL)) {
      this.#rejectedGso.add(socket.fd)
    }
    this.lastAnswer = answer
    this.refusals.push(refusal)
    if (this.wouldBlock) this.tally.wouldBlock += 1
    if (answer === EINTR) this.interruptions += 1
    else this.failures += 1
  }

  /** True if the last answer means that the socket would block. */
  get wouldBlock(): boolean {
    return this.lastAnswer === EAGAIN || this.lastAnswer === ENOBUFS
  }

  get gaveNothing(): boolean {
    return this.lastAnswer === NOTHING
  }

  /** Makes the first message to a destination the next one, if another may come now. */
  #selectFor(destination: string): void {
    if (this.segments > 0 || !this.#batch.coalesce) return
    this.#extendOrder()
    for (let position = this.position; position < this.#order.length; position += 1) {
      const index = this.#order[position]
      if (this.messages[index].destination !== destination) continue
      if (position > this.position) this.#order.splice(this.position, 0, ...this.#order.splice(position, 1))
      return
    }
  }

  #extendOrder(): void {
    for (let index = this.#order.length; index < this.messages.length; index += 1) this.#order.push(index)
  }

  #advance(next: Expected): void {
    this.segments += 1
    if (this.segments < next.datagrams.length) return
    this.position += 1
    this.segments = 0
    this.refusals = []
    this.tally.messages += 1
  }
}

/**
 * Number of calls that ends an endless loop in the library: the limits of `send-rules.ts` are checked only after the
 * call.
 */
const ENDLESS_CALLS = 100_000

function isDetached({ reference, datagrams }: Expected): boolean {
  const byteLength = datagrams.reduce((sum, datagram) => sum + datagram.byteLength, 0)
  return reference !== undefined && reference.byteLength !== byteLength
}

function show(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  return `${bytes.byteLength} bytes '${text}'`
}
