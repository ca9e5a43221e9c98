import type { Messages } from '../batch/messages.js'
import type { ReceiveSide } from '../batch/recv-batch.js'
import type { Progress } from '../batch/send-plan.js'
import { EAGAIN, ENOBUFS } from '../libc/constants.js'
import type { ReceiveStats, SendStats, SocketStats } from './socket-stats.js'

/** Index of each counter of sending. Those that each send changes come first: they share one or two cache lines. */
const SENT = {
  sendCalls: 0,
  sendWouldBlock: 6,
  sendErrors: 7,
  sendRetries: 8,
  sentMessages: 1,
  failedMessages: 9,
  sentDatagrams: 2,
  sentBytes: 3,
  gsoSends: 4,
  gsoSegments: 5,
} as const satisfies Record<keyof SendStats, number>

/** Index of each counter of receiving. */
const RECEIVED = {
  receiveCalls: 10,
  receiveWouldBlock: 11,
  receiveErrors: 12,
  receivedMessages: 13,
  receivedDatagrams: 14,
  receivedBytes: 15,
  groBuffers: 16,
  groSegments: 17,
  truncatedDatagrams: 18,
} as const satisfies Record<keyof ReceiveStats, number>

const KERNEL_DROPS = 19

/** Number of counters per socket. */
const COUNT = KERNEL_DROPS + 1

/** Number of sockets that share an array. */
const SOCKETS_PER_ARRAY = 64

/** Where the counters of the next socket are. */
const free = { values: new Float64Array(0), first: 0 }

/**
 * Counters of one socket, updated once per system call. They are doubles in a typed array: adding to one allocates nothing,
 * also above 2^31, where a property of an object would change its representation. Sockets share an array, because with many
 * of them each array would be two more places in memory per send.
 */
export class Counters {
  /** Socket of the published events; undefined if none are published. */
  socket: object | undefined
  /**
   * True to publish events in the next tick. The drop-in sends and receives while its queue and its batches are in use, which a
   * subscriber could change.
   */
  readonly isDeferred: boolean
  readonly #values: Float64Array
  /** Index of the first counter. */
  readonly #first: number
  /** True if the last system call of the current `send` failed, so that another one repeats it. */
  #hasFailed = false

  /** @param socket - socket of the drop-in; a `BatchConn` sets `socket` itself */
  constructor(socket?: object) {
    this.socket = socket
    this.isDeferred = socket !== undefined
    if (free.first === free.values.length) {
      free.values = new Float64Array(COUNT * SOCKETS_PER_ARRAY)
      free.first = 0
    }
    this.#values = free.values
    this.#first = free.first
    free.first += COUNT
  }

  /** Starts a `send`. */
  beginSend(): void {
    this.#hasFailed = false
  }

  /** Counts a sendmsg or sendmmsg call. @param result - number of accepted headers, or a negative errno */
  sendCall(result: number): void {
    const values = this.#values
    const first = this.#first
    values[first + SENT.sendCalls] += 1
    if (this.#hasFailed) values[first + SENT.sendRetries] += 1
    const isBlocked = result === -EAGAIN || result === -ENOBUFS
    this.#hasFailed = result <= 0 && !isBlocked
    if (isBlocked) values[first + SENT.sendWouldBlock] += 1
    else if (this.#hasFailed) values[first + SENT.sendErrors] += 1
  }

  /**
   * Counts what one call sent.
   *
   * @param headers - number of headers the kernel accepted
   * @param from - `sent` of the batch before the call
   * @param segmentsBefore - segments of message `from` that earlier calls had sent
   */
  sent(messages: Messages, progress: Progress, headers: number, from: number, segmentsBefore: number): void {
    const values = this.#values
    const first = this.#first
    values[first + SENT.sentMessages] += progress.messages
    values[first + SENT.sentDatagrams] += headers - progress.gsoSends + progress.gsoSegments
    values[first + SENT.gsoSends] += progress.gsoSends
    values[first + SENT.gsoSegments] += progress.gsoSegments
    let bytes = messages.bytesBetween(from, from + progress.messages)
    if (progress.segments > 0) bytes += progress.segments * messages.segmentBytes(from + progress.messages)
    if (segmentsBefore > 0) bytes -= segmentsBefore * messages.segmentBytes(from)
    values[first + SENT.sentBytes] += bytes
  }

  /** Counts an error that `send` throws, if it is about one message. */
  sendThrew(error: unknown): void {
    if (error instanceof Error && Object.hasOwn(error, 'index')) this.#values[this.#first + SENT.failedMessages] += 1
  }

  /** Counts a recvmsg or recvmmsg call. @param result - number of datagrams, or a negative errno */
  receiveCall(result: number): void {
    const values = this.#values
    const first = this.#first
    values[first + RECEIVED.receiveCalls] += 1
    if (result === -EAGAIN) values[first + RECEIVED.receiveWouldBlock] += 1
    else if (result <= 0) values[first + RECEIVED.receiveErrors] += 1
  }

  /**
   * Counts the content of a batch that was received.
   *
   * @param mayHoldGro - false if no slot can hold a GRO buffer: the control messages are then not read
   * @internal
   */
  received({ slots, control }: ReceiveSide, mayHoldGro: boolean): void {
    const values = this.#values
    const first = this.#first
    const { length, byteLength, hasControl } = slots
    values[first + RECEIVED.receivedMessages] += length
    values[first + RECEIVED.receivedDatagrams] += length
    values[first + RECEIVED.receivedBytes] += byteLength
    if (slots.hasTruncated) values[first + RECEIVED.truncatedDatagrams] += slots.countTruncated()
    if (!hasControl || !mayHoldGro) return
    for (let slot = 0; slot < length; slot += 1) {
      const segmentBytes = control.segmentBytes(slot)
      if (segmentBytes === 0) continue
      const segments = Math.ceil(slots.size(slot) / segmentBytes)
      values[first + RECEIVED.groBuffers] += 1
      values[first + RECEIVED.groSegments] += segments
      values[first + RECEIVED.receivedDatagrams] += segments - 1
    }
  }

  /** Number of datagrams that the kernel has dropped. */
  get kernelDrops(): number {
    return this.#values[this.#first + KERNEL_DROPS]
  }

  /** Counts drops that the kernel reported. */
  dropped(datagrams: number): void {
    this.#values[this.#first + KERNEL_DROPS] += datagrams
  }

  sendStats(): SendStats {
    return this.#read(SENT)
  }

  receiveStats(): ReceiveStats {
    return this.#read(RECEIVED)
  }

  /** Returns all statistics, as a new object. */
  stats(): SocketStats {
    const [send, receive] = [this.sendStats(), this.receiveStats()]
    return {
      ...send,
      datagramsPerSend: average(send.sentDatagrams, send.sendCalls - send.sendWouldBlock - send.sendErrors),
      ...receive,
      datagramsPerReceive: average(
        receive.receivedDatagrams,
        receive.receiveCalls - receive.receiveWouldBlock - receive.receiveErrors,
      ),
      kernelDrops: this.kernelDrops,
    }
  }

  #read<Name extends string>(indexes: Record<Name, number>): Record<Name, number> {
    const counts = { ...indexes }
    for (const name in indexes) counts[name] = this.#values[this.#first + indexes[name]]
    return counts
  }
}

function average(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count
}
