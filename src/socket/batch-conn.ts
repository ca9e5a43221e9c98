import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { RecvBatch } from '../batch/recv-batch.js'
import { SendBatch } from '../batch/send-batch.js'
import { DestinationKind, type Endpoint, type EndpointLike, endpoint, type Family } from '../endpoint/endpoint.js'
import { check } from '../libc/check.js'
import { POLLIN, POLLOUT } from '../libc/constants.js'
import { libc } from '../libc/libc.js'
import { Waiters } from '../loop/wait.js'
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
import { changeMembership, type Membership } from './multicast.js'
import { pollBlocking } from './poll.js'
import { receive } from './receive.js'
import { type SendReport, sendAll } from './send-all.js'
import { SETTING_NAMES, SocketOptions, type SocketSettings } from './socket-options.js'
import { transmit } from './transmit.js'

/** How a socket is opened. */
export interface OpenOptions extends SocketSettings {
  /** Default `ipv4`. An IPv6 socket also takes IPv4 (as `::ffff:192.0.2.7`) unless `ipv6Only`. */
  family?: Family
  /** SO_RXQ_OVFL: count what the kernel drops because the receive buffer is full; `kernelDrops` tells. */
  countDrops?: boolean
}

/** What can be changed about a descriptor that is adopted: all but its family. */
export type AdoptOptions = Omit<OpenOptions, 'family'>

/** How long to wait. */
export interface WaitOptions {
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How long to block. */
export interface BlockingOptions {
  /** In milliseconds; left out, for ever. */
  timeoutMs?: number
}

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
  #fd: number
  #served: number

  private constructor(fd: number, family: Family, options: AdoptOptions) {
    this.#fd = fd
    this.family = family
    this.options = new SocketOptions(() => this.fd, family)
    for (const name of SETTING_NAMES) {
      if (options[name] !== undefined) Object.assign(this.options, { [name]: options[name] })
    }
    this.#waiters = new Waiters(fd)
    this.#drops = new DropCounter(fd, validate.boolean(options.countDrops ?? false, 'countDrops'))
    this.#served = DestinationKind[family] | (this.remoteAddress === undefined ? 0 : DestinationKind.connected)
  }

  /**
   * Opens a socket.
   *
   * @throws ErrnoError from socket(2) or setsockopt(2)
   * @throws TypeError `ERR_UNKNOWN_OPTION`, `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM`
   */
  static open(options?: OpenOptions): BatchConn {
    const given = validate.options(options, 'BatchConn.open', ['family', 'countDrops', ...SETTING_NAMES])
    const family = validate.oneOf(given.family ?? 'ipv4', 'family', ['ipv4', 'ipv6'])
    return BatchConn.#own(openDescriptor(family), family, given)
  }

  /**
   * Takes over an existing descriptor, from another library or from a parent process. It is closed by `close`.
   *
   * @throws ErrnoError `EBADF`, `ENOTSOCK`; TypeError `ERR_INVALID_FD_TYPE` if it is no UDP socket
   */
  static adopt(fd: number, options?: AdoptOptions): BatchConn {
    const given = validate.options(options, 'BatchConn.adopt', ['countDrops', ...SETTING_NAMES])
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
    if (this.#fd < 0) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
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
    this.#served |= DestinationKind.connected
    return this
  }

  /** Undoes `connect`. */
  disconnect(): this {
    disconnectDescriptor(this.fd)
    this.#served &= ~DestinationKind.connected
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
    const { fd } = this
    assertSendBatch(batch)
    batch.assertMemory()
    return transmit(this.#libc, fd, batch, this.#served)
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
    const count = receive(this.#libc, fd, batch)
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

  /** Closes the socket; whoever waits on it is told `ERR_SOCKET_CLOSED`. Closing twice is fine. */
  close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#waiters.close(() => typeError('ERR_SOCKET_CLOSED', 'the socket was closed while waiting'))
    this.#fd = -1
    check(this.#libc.close(fd), 'close')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async #wait(direction: 'readable' | 'writable', options: WaitOptions | undefined): Promise<void> {
    const signal = waitSignal(options, direction)
    if (this.closed) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
    return this.#waiters.wait(direction, signal)
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

function waitSignal(options: WaitOptions | undefined, where: string): AbortSignal | undefined {
  return validate.abortSignal(validate.options(options, where, ['signal']).signal, 'signal')
}

function blockingTimeout(options: BlockingOptions | undefined, where: string): number {
  const { timeoutMs = Number.POSITIVE_INFINITY } = validate.options(options, where, ['timeoutMs'])
  if (timeoutMs === Number.POSITIVE_INFINITY) return timeoutMs
  return validate.integer(timeoutMs, 'timeoutMs', 0, 2 ** 31 - 1)
}
