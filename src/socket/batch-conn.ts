import { typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { SendBatch } from '../batch/send-batch.js'
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../libc/constants.js'
import { shutDownError, Waiters } from '../loop/wait.js'
import { assertSendBatch } from './batch-arguments.js'
import {
  type AdoptOptions,
  type BatchesOptions,
  type BlockingOptions,
  blockingTimeout,
  errorCallback,
  OPTION_NAMES,
  type OpenOptions,
  type ReadOptions,
  type WaitOptions,
  waitSignal,
} from './conn-options.js'
import type { Counters } from './counters.js'
import { DatagramSocket } from './datagram-socket.js'
import { familyOfDescriptor } from './descriptor.js'
import { adoptDescriptor, borrowDescriptor, openDescriptor, type SocketDescriptor } from './descriptor-owner.js'
import { nowMs, pollBlocking } from './poll.js'
import { batchesOf, readAvailable, type Subscription } from './reading.js'
import { ReleaseWait } from './release-wait.js'
import { type SendReport, sendAll } from './send-all.js'
import { NO_ZERO_COPY, type ZeroCopyStatus } from './zero-copy.js'

/**
 * A UDP socket that sends and receives in batches.
 *
 * `send` and `recv` never wait and throw `ErrnoError`. `sendAll`, `batches`, `onReadable`, `readable` and `writable` wait on
 * the event loop. `recvBlocking` and `waitWritable` block the thread, and are for workers.
 */
export class BatchConn extends DatagramSocket {
  readonly #waiters: Waiters
  readonly #release: ReleaseWait | undefined

  private constructor(key: typeof CONSTRUCTOR_KEY, descriptor: SocketDescriptor, options: OpenOptions) {
    if (key !== CONSTRUCTOR_KEY) {
      throw typeError('ERR_ILLEGAL_CONSTRUCTOR', 'create sockets with BatchConn.open() or BatchConn.adopt()')
    }
    super(descriptor, options)
    this.#waiters = new Waiters(descriptor.fd, () => {
      this.noteErrorEvent()
      this.#release?.noteEvent()
    })
    this.#release = this.zeroCopySends && new ReleaseWait(this.zeroCopySends, this.#waiters)
  }

  /**
   * Opens a socket.
   *
   * @throws ErrnoError from socket(2) or setsockopt(2)
   * @throws TypeError `ERR_UNKNOWN_OPTION`, `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM`
   */
  static open(options?: OpenOptions): BatchConn {
    const given = validate.options(options, 'BatchConn.open', ['family', 'zeroCopy', ...OPTION_NAMES])
    const family = validate.oneOf(given.family === undefined ? 'ipv4' : given.family, 'family', ['ipv4', 'ipv6'])
    const descriptor = openDescriptor(family)
    try {
      return new BatchConn(CONSTRUCTOR_KEY, { fd: descriptor.fd, family, own: () => descriptor, isNew: true }, given)
    } catch (error) {
      descriptor.close()
      throw error
    }
  }

  /**
   * Takes ownership of an existing descriptor, from another library or a parent process. `close` closes it; in a worker
   * thread, so does the worker's end.
   *
   * @throws ErrnoError `EBADF`, `ENOTSOCK`; TypeError `ERR_INVALID_FD_TYPE` if it is not a UDP socket
   */
  static adopt(fd: number, options?: AdoptOptions): BatchConn {
    const given = validate.options(options, 'BatchConn.adopt', OPTION_NAMES)
    validate.integer(fd, 'fd', 0, 2 ** 31 - 1)
    return new BatchConn(CONSTRUCTOR_KEY, { fd, family: familyOfDescriptor(fd), own: adoptDescriptor }, given)
  }

  /** Uses a descriptor that the caller closes, after closing this object. @internal */
  static borrow(fd: number, options: AdoptOptions, counters: Counters): BatchConn {
    const descriptor = { fd, family: familyOfDescriptor(fd), own: borrowDescriptor, counters }
    return new BatchConn(CONSTRUCTOR_KEY, descriptor, options)
  }

  /**
   * Sends all of the batch, waiting whenever the socket would block. A message that fails does not affect the others. With
   * `zeroCopy`, also waits until the kernel no longer reads the batch's memory.
   *
   * If it rejects (aborted, closed), `batch.sent` and `batch.failed` contain the result so far; call it again to resume.
   *
   * @returns number of accepted messages, and the failed ones with their errors
   * @throws the signal's reason, if it is aborted; TypeError `ERR_SOCKET_CLOSED`
   */
  async sendAll(batch: SendBatch, options?: WaitOptions): Promise<SendReport> {
    const messages = assertSendBatch(batch)
    const signal = waitSignal(options, 'sendAll')
    const report = await sendAll(this, messages, signal)
    await this.#release?.wait(messages, signal)
    return report
  }

  /**
   * Resolves when the kernel no longer reads the batch's memory for zero-copy sends of this socket. Then the batch can be
   * cleared, unless another socket has sent it too. Also works after `close`.
   *
   * @throws the signal's reason, if it is aborted; Error `ERR_RELEASE_UNKNOWN` if the descriptor was closed before the end
   */
  async released(batch: SendBatch, options?: WaitOptions): Promise<void> {
    const signal = waitSignal(options, 'released')
    return this.#release?.wait(assertSendBatch(batch), signal)
  }

  /**
   * Calls back with the batch whenever datagrams have arrived: the fastest way to receive on the event loop. The batch's
   * content is valid until the callback returns. Work per loop iteration is limited, so that timers and other sockets run.
   *
   * An exception in the callback is an uncaught exception, as in any event handler; receiving continues.
   *
   * @returns a subscription; `close` ends it, and `unref` lets the process end while it is open
   * @throws TypeError `ERR_INVALID_STATE` if the socket already has such a callback; RangeError `ERR_SLOT_TOO_SMALL`
   */
  onReadable(batch: RecvBatch, callback: (batch: RecvBatch) => void, options?: ReadOptions): Subscription {
    this.assertOpen()
    const { capacity } = this.assertReceivable(batch).slots
    validate.callback(callback, 'callback')
    const onError = errorCallback(validate.options(options, 'onReadable', ['onError']).onError)
    return this.#waiters.listen((event) => readAvailable(this, batch, capacity, callback, onError, event))
  }

  /**
   * Yields the batch repeatedly, each time with the datagrams that have arrived. Its content is valid until the next one is
   * requested. Ends when the socket is closed.
   *
   * @throws the signal's reason, if it is aborted; RangeError `ERR_SLOT_TOO_SMALL`
   */
  batches(batch: RecvBatch, options?: BatchesOptions): AsyncGenerator<RecvBatch, void, void> {
    this.assertOpen()
    this.assertReceivable(batch)
    const { signal, onError } = validate.options(options, 'batches', ['signal', 'onError'])
    return batchesOf(this, batch, validate.abortSignal(signal, 'signal'), errorCallback(onError))
  }

  /** Resolves when the socket has a datagram to receive or an error to report. */
  async readable(options?: WaitOptions): Promise<void> {
    const signal = waitSignal(options, 'readable')
    this.assertOpen()
    return this.#waiters.wait('readable', signal)
  }

  /** Resolves when the socket can send. */
  async writable(options?: WaitOptions): Promise<void> {
    const signal = waitSignal(options, 'writable')
    this.assertOpen()
    return this.#waiters.wait('writable', signal)
  }

  /** Status of zero-copy sends (MSG_ZEROCOPY), with counts. A device for which the kernel copies disables them permanently. */
  get zeroCopy(): ZeroCopyStatus {
    return this.zeroCopySends?.status ?? NO_ZERO_COPY
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Keeps the process alive while this socket is waiting, the default. */
  ref(): this {
    this.#waiters.setReferenced(true)
    return this
  }

  /** Lets the process end while this socket is waiting. */
  unref(): this {
    this.#waiters.setReferenced(false)
    return this
  }

  /**
   * Receives as `recv` does, but blocks the thread until a datagram arrives. For worker threads.
   *
   * @returns number of datagrams in the batch; 0 after the timeout
   * @throws as `recv`; ErrnoError `ESHUTDOWN` if another process or descriptor has shut the socket down
   */
  recvBlocking(batch: RecvBatch, options?: BlockingOptions): number {
    const timeoutMs = blockingTimeout(options, 'recvBlocking')
    const deadline = nowMs() + timeoutMs
    let events = 0
    for (;;) {
      const count = this.recv(batch)
      if (count > 0) return count
      if ((events & (POLLRDHUP | POLLHUP)) !== 0) throw shutDownError()
      const leftMs = deadline - nowMs()
      // poll can wake up for nothing to receive: a datagram with a bad checksum, an entry of the error queue.
      if (events !== 0 && leftMs <= 0) return 0
      events = pollBlocking(this.fd, POLLIN | POLLRDHUP, Math.max(0, leftMs))
      if (events === 0) return 0
      if ((events & POLLERR) !== 0) this.noteErrorEvent()
    }
  }

  /** Blocks the thread until the socket can send. @returns false after the timeout */
  waitWritable(options?: BlockingOptions): boolean {
    const timeoutMs = blockingTimeout(options, 'waitWritable')
    return pollBlocking(this.fd, POLLOUT, timeoutMs) !== 0
  }

  /** Blocks the thread until the kernel no longer reads the batch's memory, as `released`. @returns false after the timeout */
  waitReleased(batch: SendBatch, options?: BlockingOptions): boolean {
    const messages = assertSendBatch(batch)
    const timeoutMs = blockingTimeout(options, 'waitReleased')
    return messages.inFlight === 0 || (this.#release?.waitBlocking(this.fd, messages, timeoutMs) ?? true)
  }

  /** @internal */
  protected override beforeClose(): void {
    this.#release?.close()
    this.#waiters.close(() => typeError('ERR_SOCKET_CLOSED', 'the socket was closed while waiting'))
  }
}

const CONSTRUCTOR_KEY = Symbol('batchconn socket')
