import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { RecvBatch, slotTooSmall, TRAIN_SLOT_BYTES } from '../batch/recv-batch.js'
import { SendBatch } from '../batch/send-batch.js'
import { DestinationKind, type Endpoint, type EndpointLike, endpoint, type Family } from '../endpoint/endpoint.js'
import { check } from '../libc/check.js'
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
import {
  bindDescriptor,
  connectDescriptor,
  disconnectDescriptor,
  familyOfDescriptor,
  localEndpoint,
  openDescriptor,
  remoteEndpoint,
} from './descriptor.js'
import { DropCounter } from './drop-counter.js'
import { ErrorQueue, type NetworkError } from './error-queue.js'
import { changeMembership, type Membership } from './multicast.js'
import { pollBlocking } from './poll.js'
import { receive } from './receive.js'
import { applyControlSettings } from './receive-options.js'
import { type SendReport, sendAll } from './send-all.js'
import { SETTING_NAMES, SocketOptions } from './socket-options.js'
import { type OffloadStatus, openReceiveOffload, SegmentationOffload } from './trains.js'
import { type Sending, transmit } from './transmit.js'

/**
 * A UDP socket that sends and receives in batches.
 *
 * `send` and `recv` never wait and throw `ErrnoError`; `sendAll`, `readable` and `writable` wait on the event loop;
 * `recvBlocking` and `waitWritable` block the thread, for workers.
 */
export class BatchConn {
  readonly family: Family
  /** The socket's options, read from and written to the kernel. */
  readonly options: SocketOptions
  readonly #libc = libc()
  readonly #waiters: Waiters
  readonly #drops: DropCounter
  readonly #errors: ErrorQueue | undefined
  readonly #sending: { -readonly [name in keyof Sending]: Sending[name] } & { trains: SegmentationOffload }
  readonly #gro: OffloadStatus
  #fd: number

  private constructor(fd: number, family: Family, options: AdoptOptions) {
    this.#fd = fd
    this.family = family
    this.options = new SocketOptions(() => this.fd, family)
    for (const name of SETTING_NAMES) {
      if (options[name] !== undefined) Object.assign(this.options, { [name]: options[name] })
    }
    this.#waiters = new Waiters(fd)
    this.#drops = new DropCounter(fd, validate.boolean(options.countDrops ?? false, 'countDrops'))
    applyControlSettings(fd, family, options)
    this.#gro = openReceiveOffload(fd, validate.boolean(options.gro ?? false, 'gro'))
    this.#errors = options.recvErrors ? new ErrorQueue(this.#libc, fd) : undefined
    this.#sending = {
      fd,
      served: 0,
      trains: new SegmentationOffload(fd, validate.boolean(options.gso ?? true, 'gso')),
      onStoredError: () => this.#errors?.drain(),
    }
    this.noteConnection()
  }

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

  /** The descriptor. @throws TypeError `ERR_SOCKET_CLOSED` */
  get fd(): number {
    this.#assertOpen()
    return this.#fd
  }

  get closed(): boolean {
    return this.#fd < 0
  }

  /** Where the socket is bound; port 0 if it is not yet. */
  get localAddress(): Endpoint {
    const address = localEndpoint(this.fd)
    if (address === undefined) throw typeError('ERR_INVALID_FD_TYPE', 'the socket has no IP address')
    return address
  }

  /** The peer the socket is connected to, if it is. */
  get remoteAddress(): Endpoint | undefined {
    return remoteEndpoint(this.fd)
  }

  /** How many datagrams the kernel has dropped for want of room; undefined unless opened with `countDrops`. */
  get kernelDrops(): number | undefined {
    return this.#drops.total
  }

  /** Whether trains are sent (UDP_SEGMENT), and why. A device that refuses one switches it off for good. */
  get gso(): OffloadStatus {
    this.#assertOpen()
    return this.#sending.trains.status
  }

  /** Whether trains are taken whole (UDP_GRO), and why. */
  get gro(): OffloadStatus {
    return this.#gro
  }

  /** bind(2). @throws ErrnoError `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` */
  bind(address: EndpointLike): this {
    bindDescriptor(this.fd, this.#ofFamily(address))
    return this
  }

  /** connect(2): messages without a destination go there, and nobody else is heard. */
  connect(address: EndpointLike): this {
    const peer = this.#ofFamily(address)
    if (peer.port === 0) validate.port(0, 'port', 1)
    connectDescriptor(this.fd, peer)
    this.noteConnection()
    return this
  }

  /** Looks whether the descriptor is connected: somebody else may have done that. @internal */
  noteConnection(): void {
    const connected = this.remoteAddress === undefined ? 0 : DestinationKind.connected
    this.#sending.served = DestinationKind[this.family] | connected
  }

  /** Undoes `connect`. */
  disconnect(): this {
    disconnectDescriptor(this.fd)
    this.noteConnection()
    return this
  }

  /**
   * Hands over what is unsent in the batch, from `batch.sent` on: one system call, more above 1024 messages.
   *
   * @returns how many messages this call accepted. Fewer than were left means: call again, the reason shows then.
   *   0 means that the socket would block (or that nothing was left).
   * @throws ErrnoError or TypeError with the `index` of the first unsent message, if it is at fault; `batch.skip()`
   *   passes over it
   */
  send(batch: SendBatch): number {
    this.#assertOpen()
    assertSendBatch(batch)
    batch.assertMemory()
    return transmit(this.#libc, this.#sending, batch)
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
   * Takes what has arrived: one system call, never waiting.
   *
   * @returns how many datagrams are in the batch now; 0 if none had arrived
   * @throws ErrnoError, `ECONNREFUSED` for a connected peer that is not there
   */
  recv(batch: RecvBatch): number {
    const { fd } = this
    if (!(batch instanceof RecvBatch)) {
      throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a RecvBatch; ${received(batch)}`)
    }
    if (this.#gro.state === 'on' && batch.slotBytes < TRAIN_SLOT_BYTES) throw slotTooSmall(batch.slotBytes)
    const count = receive(this.#libc, fd, batch, this.#errors)
    if (count > 0) this.#drops.note(batch)
    return count
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

  /** Settles when there is something to receive, or an error to tell. */
  async readable(options?: WaitOptions): Promise<void> {
    return this.#wait('readable', options)
  }

  /** Settles when the socket can send. */
  async writable(options?: WaitOptions): Promise<void> {
    return this.#wait('writable', options)
  }

  /**
   * The errors the network answered with since the last call, oldest first, at most 1024. While the socket is open with
   * `recvErrors` they come this way alone: neither `send` nor `recv` throws them.
   *
   * @throws TypeError `ERR_INVALID_STATE` unless the socket was opened with `recvErrors`
   */
  errors(): NetworkError[] {
    this.#assertOpen()
    if (this.#errors === undefined) {
      throw typeError('ERR_INVALID_STATE', 'errors() needs a socket that was opened with recvErrors: true')
    }
    return this.#errors.take()
  }

  /** Joins a multicast group. @throws ErrnoError `ENODEV`, `EADDRINUSE` */
  joinMulticast(membership: Membership): this {
    changeMembership(this.fd, this.family, 'join', membership)
    return this
  }

  /** Leaves a multicast group. @throws ErrnoError `EADDRNOTAVAIL` if it was not joined */
  leaveMulticast(membership: Membership): this {
    changeMembership(this.fd, this.family, 'leave', membership)
    return this
  }

  /**
   * Gives the descriptor up without closing it: the opposite of `adopt`. This object is closed then.
   *
   * @returns the descriptor, the caller's from now on
   */
  release(): number {
    const { fd } = this
    this.#waiters.close(() => typeError('ERR_SOCKET_CLOSED', 'the socket was closed while waiting'))
    this.#fd = -1
    return fd
  }

  /** Closes the socket; whoever waits on it is told `ERR_SOCKET_CLOSED`. Closing twice is fine. */
  close(): void {
    if (this.#fd < 0) return
    check(this.#libc.close(this.release()), 'close')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async #wait(direction: 'readable' | 'writable', options: WaitOptions | undefined): Promise<void> {
    const signal = waitSignal(options, direction)
    this.#assertOpen()
    return this.#waiters.wait(direction, signal)
  }

  #assertOpen(): void {
    if (this.#fd < 0) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
  }

  #ofFamily(address: EndpointLike): Endpoint {
    const made = endpoint(address)
    if (made.family === this.family) return made
    const message = `the socket is ${this.family}; ${made} is an ${made.family} address`
    throw typeError('ERR_ADDRESS_FAMILY', message)
  }
}

function assertSendBatch(batch: unknown): asserts batch is SendBatch {
  if (batch instanceof SendBatch) return
  throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a SendBatch; ${received(batch)}`)
}
