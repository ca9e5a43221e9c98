import type { ReceiveStats, SendStats } from '../../src/index.js'
import { EAGAIN, ENOBUFS, MSG_TRUNC } from '../../src/libc/constants.js'
import type { Stored } from './incoming.js'
import type { Outgoing, SocketFacts } from './outgoing.js'
import type { ReceiveObserver } from './receive-kernel.js'
import type { Refusal, SendObserver } from './send-kernel.js'
import { expect } from './violation.js'

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

/** Counts per socket what the kernel saw of sends, and forwards it to another observer. */
export class ExpectedSendStats implements SendObserver {
  readonly #inner: SendObserver
  readonly #messages: () => number
  readonly #sockets = new Map<number, Mutable<SendStats>>()
  #current = newSendStats()
  #hasFailed = false

  /** @param messages - returns the number of messages that were sent completely */
  constructor(inner: SendObserver, messages: () => number) {
    this.#inner = inner
    this.#messages = messages
  }

  /** Begins one `send`. */
  begin(): void {
    this.#hasFailed = false
  }

  called(socket: SocketFacts): void {
    this.#current = this.of(socket)
    this.#current.sendCalls += 1
    if (this.#hasFailed) this.#current.sendRetries += 1
    this.#hasFailed = false
    this.#inner.called(socket)
  }

  shown(message: Outgoing, socket: SocketFacts): void {
    this.#inner.shown(message, socket)
  }

  accepted(message: Outgoing): void {
    const before = this.#messages()
    this.#inner.accepted(message)
    const { length } = message.datagrams
    this.#current.sentMessages += this.#messages() - before
    this.#current.sentDatagrams += length
    this.#current.sentBytes += message.byteLength
    if (length === 1) return
    this.#current.gsoSends += 1
    this.#current.gsoSegments += length
  }

  refused(refusal: Refusal, socket: SocketFacts): void {
    this.#inner.refused(refusal, socket)
    if (!refusal.isVisible) return
    const isBlocked = refusal.answer === EAGAIN || refusal.answer === ENOBUFS
    this.#hasFailed = !isBlocked
    if (isBlocked) this.#current.sendWouldBlock += 1
    else this.#current.sendErrors += 1
  }

  of({ fd }: SocketFacts): Mutable<SendStats> {
    const known = this.#sockets.get(fd) ?? newSendStats()
    this.#sockets.set(fd, known)
    return known
  }
}

/** Counts per socket what the kernel saw of receives, and forwards it to another observer. */
export class ExpectedReceiveStats implements ReceiveObserver {
  readonly #inner: ReceiveObserver
  readonly #sockets = new Map<number, Mutable<ReceiveStats>>()
  #current = newReceiveStats()

  constructor(inner: ReceiveObserver) {
    this.#inner = inner
  }

  called(fd: number): void {
    this.#current = this.of(fd)
    this.#current.receiveCalls += 1
    this.#inner.called(fd)
  }

  stored(fd: number, datagram: Stored): void {
    this.#current.receivedMessages += 1
    this.#current.receivedBytes += datagram.bytes.byteLength
    if ((datagram.flags & MSG_TRUNC) !== 0) this.#current.truncatedDatagrams += 1
    this.#inner.stored(fd, datagram)
  }

  failed(fd: number, errno: number): void {
    if (errno === EAGAIN) this.#current.receiveWouldBlock += 1
    else this.#current.receiveErrors += 1
    this.#inner.failed(fd, errno)
  }

  missing(): void {
    this.#current.receiveErrors += 1
    this.#inner.missing()
  }

  errorQueueRead(fd: number, entry: Stored | undefined): void {
    this.#inner.errorQueueRead(fd, entry)
  }

  /** Counts the datagrams of a batch. @param split - number of slots with two or more */
  contained(fd: number, slots: number, datagrams: number, split: number): void {
    const stats = this.of(fd)
    stats.receivedDatagrams += datagrams
    stats.groBuffers += split
    stats.groSegments += datagrams - (slots - split)
  }

  of(fd: number): Mutable<ReceiveStats> {
    const known = this.#sockets.get(fd) ?? newReceiveStats()
    this.#sockets.set(fd, known)
    return known
  }
}

/** Checks that the statistics of a socket are those expected. */
export function checkStats(stats: object, expected: SendStats | ReceiveStats): void {
  for (const [name, count] of Object.entries(expected)) {
    const counted: unknown = Reflect.get(stats, name)
    expect(counted === count, () => `${name} is ${counted}; the kernel saw ${count}`)
  }
}

function newSendStats(): Mutable<SendStats> {
  return {
    sendCalls: 0,
    sendWouldBlock: 0,
    sendErrors: 0,
    sendRetries: 0,
    sentMessages: 0,
    failedMessages: 0,
    sentDatagrams: 0,
    sentBytes: 0,
    gsoSends: 0,
    gsoSegments: 0,
  }
}

function newReceiveStats(): Mutable<ReceiveStats> {
  return {
    receiveCalls: 0,
    receiveWouldBlock: 0,
    receiveErrors: 0,
    receivedMessages: 0,
    receivedDatagrams: 0,
    receivedBytes: 0,
    groBuffers: 0,
    groSegments: 0,
    truncatedDatagrams: 0,
  }
}
