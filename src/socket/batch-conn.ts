import { typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { SendBatch } from '../batch/send-batch.js'
import type { Family } from '../endpoint/endpoint.js'
import { POLLIN, POLLOUT } from '../libc/constants.js'
import { libc } from '../libc/libc.js'
import { Waiters } from '../loop/wait.js'
import {
  type AdoptOptions,
  type BlockingOptions,
  blockingTimeout,
  OPTION_NAMES,
  type OpenOptions,
  type WaitOptions,
  waitSignal,
} from './conn-options.js'
import { assertRecvBatch, assertSendBatch, DatagramSocket } from './datagram-socket.js'
import { familyOfDescriptor, openDescriptor } from './descriptor.js'
import { pollBlocking } from './poll.js'
import { batchesOf, type Reading, readTurn } from './reading.js'
import { type SendReport, sendAll } from './send-all.js'

/**
 * A UDP socket that sends and receives in batches.
 *
 * `send` and `recv` never wait and throw `ErrnoError`; `sendAll`, `batches`, `onReadable`, `readable` and `writable` wait
 * on the event loop; `recvBlocking` and `waitWritable` block the thread, for workers.
 */
export class BatchConn extends DatagramSocket {
  readonly #waiters = new Waiters(this.fd)

  /**
   * Opens a socket.
   *
   * @throws ErrnoError from socket(2) or setsockopt(2)
   * @throws TypeError `ERR_UNKNOWN_OPTION`, `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM`
   */
  static open(options?: OpenOptions): BatchConn {
    const given = validate.options(options, 'BatchConn.open', ['family', ...OPTION_NAMES])
    const family = validate.oneOf(given.family ?? 'ipv4', 'family', ['ipv4', 'ipv6'])
    return BatchConn.#own(openDescriptor(family), family, given)
  }

  /**
   * Takes over an existing descriptor, from another library or from a parent process. It is closed by `close`.
   *
   * @throws ErrnoError `EBADF`, `ENOTSOCK`; TypeError `ERR_INVALID_FD_TYPE` if it is no UDP socket
   */
  static adopt(fd: number, options?: AdoptOptions): BatchConn {
    const given = validate.options(options, 'BatchConn.adopt', OPTION_NAMES)
    validate.integer(fd, 'fd', 0, 2 ** 31 - 1)
    return new BatchConn(fd, familyOfDescriptor(fd), given)
  }

  static #own(fd: number, family: Family, options: AdoptOptions): BatchConn {
    try {
      return new BatchConn(fd, family, options)
    } catch (error) {
      libc().close(fd)
      throw error
    }
  }

  /**
   * Sends all of the batch, waiting whenever the socket would block. A message that fails costs only itself.
   *
   * @returns how many were accepted, and which failed with what
   */
  async sendAll(batch: SendBatch, options?: WaitOptions): Promise<SendReport> {
    assertSendBatch(batch)
    return sendAll(this, batch, waitSignal(options, 'sendAll'))
  }

  /**
   * Calls back with the batch whenever datagrams have arrived: the fast way to receive on the event loop. The batch's
   * content is good until the callback returns. One turn's work is bounded, so that timers and other sockets go on.
   *
   * An exception in the callback, or of `recv`, is an uncaught one, as in any event handler; receiving goes on.
   *
   * @returns what ends it; `unref` lets the process end meanwhile
   * @throws TypeError `ERR_INVALID_STATE` if the socket has such a callback already
   */
  onReadable(batch: RecvBatch, callback: (batch: RecvBatch) => void): Reading {
    this.assertOpen()
    assertRecvBatch(batch)
    validate.callback(callback, 'callback')
    return this.#waiters.listen((isOpen) => readTurn(this, batch, callback, isOpen))
  }

  /**
   * The batch, again and again, each time with what has arrived. Its content is good until the next round. Ends when the
   * socket is closed.
   *
   * @throws the signal's reason, once it is aborted
   */
  batches(batch: RecvBatch, options?: WaitOptions): AsyncGenerator<RecvBatch, void, void> {
    this.assertOpen()
    assertRecvBatch(batch)
    return batchesOf(this, batch, waitSignal(options, 'batches'))
  }

  /** Settles when there is something to receive, or an error to tell. */
  async readable(options?: WaitOptions): Promise<void> {
    const signal = waitSignal(options, 'readable')
    this.assertOpen()
    return this.#waiters.wait('readable', signal)
  }

  /** Settles when the socket can send. */
  async writable(options?: WaitOptions): Promise<void> {
    const signal = waitSignal(options, 'writable')
    this.assertOpen()
    return this.#waiters.wait('writable', signal)
  }

  /** Keeps the process alive while something waits on this socket, which is so from the start. */
  ref(): this {
    this.#waiters.setReferenced(true)
    return this
  }

  /** Lets the process end although something waits on this socket. */
  unref(): this {
    this.#waiters.setReferenced(false)
    return this
  }

  /** `recv`, but blocks the thread until something arrives. For worker threads: nothing else runs meanwhile. */
  recvBlocking(batch: RecvBatch, options?: BlockingOptions): number {
    const timeoutMs = blockingTimeout(options, 'recvBlocking')
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const count = this.recv(batch)
      if (count > 0) return count
      // A datagram that woke us can turn out bad (checksum) and be gone again.
      if (!pollBlocking(this.fd, POLLIN, Math.max(0, deadline - performance.now()))) return 0
    }
  }

  /** Blocks the thread until the socket can send again. @returns false if the time ran out first */
  waitWritable(options?: BlockingOptions): boolean {
    return pollBlocking(this.fd, POLLOUT, blockingTimeout(options, 'waitWritable'))
  }

  /** As `DatagramSocket.release`; whoever waits on it is told `ERR_SOCKET_CLOSED`. */
  override release(): number {
    this.assertOpen()
    this.#waiters.close(() => typeError('ERR_SOCKET_CLOSED', 'the socket was closed while waiting'))
    return super.release()
  }
}
