import type { Messages } from '../batch/messages.js'
import type { ReceiveSide } from '../batch/recv-batch.js'
import type { Progress } from '../batch/send-plan.js'
import { EAGAIN, ENOBUFS } from '../libc/constants.js'
import type { ReceiveStats, SendStats, SocketStats } from './socket-stats.js'

/** Index of each counter of sending. */
const SENT = {
  sendCalls: 0,
  sendWouldBlock: 1,
  sendErrors: 2,
  sendRetries: 3,
  sentMessages: 4,
  failedMessages: 5,
  sentDatagrams: 6,
  sentBytes: 7,
  gsoSends: 8,
  gsoSegments: 9,
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

/**
 * Counters of one socket, updated once per system call. They are doubles in one typed array: adding to one allocates nothing,
 * also above 2^31, where a property of an object would change its representation.
 */
export class Counters {
  /** Socket of the published events; undefined if none are published. */
  socket: object | undefined
  /**
   * True to publish events in the next tick. The drop-in sends and receives while its queue and its batches are in use, which a
   * subscriber could change.
   */
  readonly isDeferred: boolean
  readonly #values = new Float64Array(KERNEL_DROPS + 1)
  /** True if the last system call of the current `send` failed, so that another one repeats it. */
  #hasFailed = false

  /** @param socket - socket of the drop-in; a `BatchConn` sets `socket` itself */
  constructor(socket?: object) {
    this.socket = socket
    this.isDeferred = socket !== undefined
  }

  /** Starts a `send`. */
  beginSend(): void {
    this.#hasFailed = false
  }

  /** Counts a sendmsg or sendmmsg call. @param result - number of accepted headers, or a negative errno */
  sendCall(result: number): void {
    const values = this.#values
    values[SENT.sendCalls] += 1
    if (this.#hasFailed) values[SENT.sendRetries] += 1
    const isBlocked = result === -EAGAIN || result === -ENOBUFS
    this.#hasFailed = result <= 0 && !isBlocked
    if (isBlocked) values[SENT.sendWouldBlock] += 1
    else if (this.#hasFailed) values[SENT.sendErrors] += 1
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
    values[SENT.sentMessages] += progress.messages
    values[SENT.sentDatagrams] += headers - progress.gsoSends + progress.gsoSegments
    values[SENT.gsoSends] += progress.gsoSends
    values[SENT.gsoSegments] += progress.gsoSegments
    let bytes = messages.bytesBetween(from, from + progress.messages)
    if (progress.segments > 0) bytes += progress.segments * messages.segmentBytes(from + progress.messages)
    if (segmentsBefore > 0) bytes -= segmentsBefore * messages.segmentBytes(from)
    values[SENT.sentBytes] += bytes
  }

  /** Counts an error that `send` throws, if it is about one message. */
  sendThrew(error: unknown): void {
    if (error instanceof Error && 'index' in error) this.#values[SENT.failedMessages] += 1
  }

  /** Counts a recvmsg or recvmmsg call. @param result - number of datagrams, or a negative errno */
  receiveCall(result: number): void {
    const values = this.#values
    values[RECEIVED.receiveCalls] += 1
    if (result === -EAGAIN) values[RECEIVED.receiveWouldBlock] += 1
    else if (result <= 0) values[RECEIVED.receiveErrors] += 1
  }

  /**
   * Counts the content of a batch that was received.
   *
   * @param mayHoldGro - false if no slot can hold a GRO buffer: the control messages are then not read
   * @internal
   */
  received({ slots, control }: ReceiveSide, mayHoldGro: boolean): void {
    const values = this.#values
    const { length, byteLength, hasControl } = slots
    values[RECEIVED.receivedMessages] += length
    values[RECEIVED.receivedDatagrams] += length
    values[RECEIVED.receivedBytes] += byteLength
    if (slots.hasTruncated) values[RECEIVED.truncatedDatagrams] += slots.countTruncated()
    if (!hasControl || !mayHoldGro) return
    for (let slot = 0; slot < length; slot += 1) {
      const segmentBytes = control.segmentBytes(slot)
      if (segmentBytes === 0) continue
      const segments = Math.ceil(slots.size(slot) / segmentBytes)
      values[RECEIVED.groBuffers] += 1
      values[RECEIVED.groSegments] += segments
      values[RECEIVED.receivedDatagrams] += segments - 1
    }
  }

  /** Number of datagrams that the kernel has dropped. */
  get kernelDrops(): number {
    return this.#values[KERNEL_DROPS]
  }

  /** Counts drops that the kernel reported. */
  dropped(datagrams: number): void {
    this.#values[KERNEL_DROPS] += datagrams
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
    for (const name in indexes) counts[name] = this.#values[indexes[name]]
    return counts
  }
}

function average(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count
}
