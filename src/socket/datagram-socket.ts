import { received, typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import { RecvBatch, slotTooSmall, TRAIN_SLOT_BYTES } from '../batch/recv-batch.js'
import { SendBatch } from '../batch/send-batch.js'
import { DestinationKind, type Endpoint, type EndpointLike, endpoint, type Family } from '../endpoint/endpoint.js'
import { check } from '../libc/check.js'
import { libc } from '../libc/libc.js'
import type { AdoptOptions } from './conn-options.js'
import { bindDescriptor, connectDescriptor, disconnectDescriptor, localEndpoint, remoteEndpoint } from './descriptor.js'
import { DropCounter } from './drop-counter.js'
import { ErrorQueue, type NetworkError } from './error-queue.js'
import { changeMembership, type Membership } from './multicast.js'
import { receive } from './receive.js'
import { applyControlSettings } from './receive-options.js'
import { SETTING_NAMES, SocketOptions } from './socket-options.js'
import { type OffloadStatus, openReceiveOffload, SegmentationOffload } from './trains.js'
import { type Sending, transmit } from './transmit.js'

/**
 * The mechanism of a UDP socket: its descriptor's life, its options, and one system call a batch. It never waits.
 */
export class DatagramSocket {
  readonly family: Family
  /** The socket's options, read from and written to the kernel. */
  readonly options: SocketOptions
  readonly #libc = libc()
  readonly #drops: DropCounter
  readonly #errors: ErrorQueue | undefined
  readonly #sending: { -readonly [name in keyof Sending]: Sending[name] } & { trains: SegmentationOffload }
  readonly #gro: OffloadStatus
  #fd: number

  protected constructor(fd: number, family: Family, options: AdoptOptions) {
    this.#fd = fd
    this.family = family
    this.options = new SocketOptions(() => this.fd, family)
    for (const name of SETTING_NAMES) {
      if (options[name] !== undefined) Object.assign(this.options, { [name]: options[name] })
    }
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

  /** The descriptor. @throws TypeError `ERR_SOCKET_CLOSED` */
  get fd(): number {
    this.assertOpen()
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

  /**
   * How many datagrams the kernel has dropped for want of room, up to now (before Linux 4.12: up to the last datagram
   * received); undefined unless opened with `countDrops`.
   */
  get kernelDrops(): number | undefined {
    return this.#drops.total(!this.closed)
  }

  /** Whether trains are sent (UDP_SEGMENT), and why. A device that refuses one switches it off for good. */
  get gso(): OffloadStatus {
    this.assertOpen()
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
    this.assertOpen()
    assertSendBatch(batch)
    batch.assertMemory()
    return transmit(this.#libc, this.#sending, batch)
  }

  /**
   * Takes what has arrived: one system call, never waiting.
   *
   * @returns how many datagrams are in the batch now; 0 if none had arrived
   * @throws ErrnoError, `ECONNREFUSED` for a connected peer that is not there
   */
  recv(batch: RecvBatch): number {
    const { fd } = this
    assertRecvBatch(batch)
    if (this.#gro.state === 'on' && batch.slotBytes < TRAIN_SLOT_BYTES) throw slotTooSmall(batch.slotBytes)
    const count = receive(this.#libc, fd, batch, this.#errors)
    if (count > 0) this.#drops.note(batch)
    return count
  }

  /**
   * The errors the network answered with since the last call, oldest first, at most 1024. With `recvErrors` they come
   * this way alone. What this host itself refuses (EMSGSIZE) is told here, and fails the message as well.
   *
   * @throws TypeError `ERR_INVALID_STATE` unless the socket was opened with `recvErrors`
   */
  errors(): NetworkError[] {
    this.assertOpen()
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
    this.#fd = -1
    return fd
  }

  /** Closes the socket. Closing twice is fine. */
  close(): void {
    if (this.#fd < 0) return
    check(this.#libc.close(this.release()), 'close')
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @throws TypeError `ERR_SOCKET_CLOSED` */
  protected assertOpen(): void {
    if (this.#fd < 0) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
  }

  #ofFamily(address: EndpointLike): Endpoint {
    const made = endpoint(address)
    if (made.family === this.family) return made
    const message = `the socket is ${this.family}; ${made} is an ${made.family} address`
    throw typeError('ERR_ADDRESS_FAMILY', message)
  }
}

/** @throws TypeError `ERR_INVALID_ARG_TYPE` */
export function assertSendBatch(batch: unknown): asserts batch is SendBatch {
  if (batch instanceof SendBatch) return
  throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a SendBatch; ${received(batch)}`)
}

/** @throws TypeError `ERR_INVALID_ARG_TYPE` */
export function assertRecvBatch(batch: unknown): asserts batch is RecvBatch {
  if (batch instanceof RecvBatch) return
  throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a RecvBatch; ${received(batch)}`)
}
