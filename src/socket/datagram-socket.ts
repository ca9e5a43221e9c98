import { typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Messages } from '../batch/messages.js'
import { GRO_SLOT_BYTES, type ReceiveSide, type RecvBatch, slotTooSmall } from '../batch/recv-batch.js'
import type { SendBatch } from '../batch/send-batch.js'
import { DestinationKind, type Endpoint, type EndpointLike, endpoint, type Family } from '../endpoint/endpoint.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { assertRecvBatch, assertSendBatch } from './batch-arguments.js'
import { BatchedCalls } from './batched-calls.js'
import type { AdoptOptions } from './conn-options.js'
import { applyControlSettings, recvErrorsSetting } from './control-settings.js'
import { bindDescriptor, connectDescriptor, disconnectDescriptor, localEndpoint, remoteEndpoint } from './descriptor.js'
import type { OwnedDescriptor } from './descriptor-owner.js'
import { DropCounter } from './drop-counter.js'
import { ErrorQueue, type NetworkError } from './error-queue.js'
import type { FeatureStatus } from './feature-status.js'
import { changeMembership, type Membership } from './multicast.js'
import { receive } from './receive.js'
import { closeReceiveOffload, openReceiveOffload, SegmentationOffload } from './segmentation-offload.js'
import { LiveSocketOptions, SETTING_NAMES } from './socket-options.js'
import { type Sending, transmit } from './transmit.js'

/** A descriptor that becomes a socket. */
export interface SocketDescriptor {
  readonly fd: number
  readonly family: Family
  /** Called last, when all options are set: until then the descriptor stays with the caller. */
  own(fd: number): OwnedDescriptor
}

/**
 * The mechanism of a UDP socket: its descriptor's life, its options, and one system call per batch. It never waits.
 */
export class DatagramSocket {
  readonly #family: Family
  readonly #options: LiveSocketOptions
  readonly #drops: DropCounter
  readonly #errors: ErrorQueue
  readonly #calls: BatchedCalls
  readonly #sending: { -readonly [name in keyof Sending]: Sending[name] }
  #gro: FeatureStatus
  readonly #owner: OwnedDescriptor
  #fd: number

  protected constructor({ fd, family, own }: SocketDescriptor, options: AdoptOptions) {
    const { countDrops = false, gro = false, gso = true } = options
    this.#fd = fd
    this.#family = family
    this.#options = new LiveSocketOptions(() => this.#openFd(), family)
    for (const name of SETTING_NAMES) {
      if (options[name] !== undefined) Object.assign(this.#options, { [name]: options[name] })
    }
    this.#drops = new DropCounter(fd, validate.boolean(countDrops, 'countDrops'))
    applyControlSettings(fd, family, options)
    this.#gro = openReceiveOffload(fd, validate.boolean(gro, 'gro'))
    this.#errors = new ErrorQueue(libc(), fd, recvErrorsSetting(fd, family))
    this.#calls = new BatchedCalls(libc(), fd)
    this.#sending = {
      calls: this.#calls,
      supported: 0,
      offload: new SegmentationOffload(fd, validate.boolean(gso, 'gso')),
      isOwnError: (errno) => this.#errors.isEnabled && this.#errors.drain(errno) === 'local',
    }
    this.noteConnection()
    this.#owner = own(fd)
  }

  get family(): Family {
    return this.#family
  }

  /** The socket's options, read from and written to the kernel. */
  get options(): LiveSocketOptions {
    return this.#options
  }

  /** The descriptor. @throws TypeError `ERR_SOCKET_CLOSED` */
  get fd(): number {
    return this.#openFd()
  }

  get closed(): boolean {
    return this.#fd < 0
  }

  /** Where the socket is bound; port 0 if it is not yet. */
  get localAddress(): Endpoint {
    const address = localEndpoint(this.#openFd())
    if (address === undefined) throw typeError('ERR_INVALID_FD_TYPE', 'the socket has no IP address')
    return address
  }

  /** The peer the socket is connected to, if it is. */
  get remoteAddress(): Endpoint | undefined {
    return remoteEndpoint(this.#openFd())
  }

  /**
   * Number of datagrams the kernel has dropped because the receive buffer was full, up to now (before Linux 4.12: up to
   * the last datagram received); undefined unless opened with `countDrops`.
   *
   * With `gro` the kernel counts buffers, and a dropped GRO buffer counts once, however many datagrams it holds: the
   * number is then a lower bound.
   */
  get kernelDrops(): number | undefined {
    return this.#drops.total(!this.closed)
  }

  /** Whether GSO sends are made (UDP_SEGMENT), and why. A device that rejects them switches them off for good. */
  get gso(): FeatureStatus {
    this.assertOpen()
    return this.#sending.offload.status
  }

  /** Whether GRO buffers are received (UDP_GRO), and why. */
  get gro(): FeatureStatus {
    return this.#gro
  }

  /** Ends the receiving of GRO buffers: another process that shares the descriptor may not know them. @internal */
  stopGro(): void {
    this.#gro = closeReceiveOffload(this.#openFd(), this.#gro)
  }

  /**
   * Whether `sendmmsg` and `recvmmsg` are used. Off where the system refuses them (a seccomp filter, an old kernel): then
   * each message takes a system call, and everything else is the same.
   */
  get batching(): FeatureStatus {
    return this.#calls.status
  }

  /** bind(2). @throws ErrnoError `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` */
  bind(address: EndpointLike): this {
    bindDescriptor(this.#openFd(), this.#ofFamily(address))
    return this
  }

  /** connect(2): sets the default destination; only datagrams from that peer are received. */
  connect(address: EndpointLike): this {
    const peer = this.#ofFamily(address)
    if (peer.port === 0) validate.port(0, 'port', 1)
    connectDescriptor(this.#openFd(), peer)
    this.noteConnection()
    return this
  }

  /** Reads from the kernel whether the descriptor is connected: another owner may have changed that. @internal */
  noteConnection(): void {
    const connected = this.remoteAddress === undefined ? 0 : DestinationKind.connected
    this.#sending.supported = DestinationKind[this.#family] | connected
    this.#sending.offload.forgetPeer()
  }

  /** Undoes `connect`. */
  disconnect(): this {
    disconnectDescriptor(this.#openFd())
    this.noteConnection()
    return this
  }

  /**
   * Passes what is unsent in the batch to the kernel, from `batch.sent` on: one system call, more above 1024 messages.
   *
   * @returns how many messages this call accepted. Fewer than were left means: call again, the reason shows then.
   *   0 means that the socket would block (or that nothing was left).
   * @throws ErrnoError or TypeError with the `index` of the first unsent message, if it is at fault; `batch.skip()`
   *   passes over it
   */
  send(batch: SendBatch): number {
    return this.#transmit(assertSendBatch(batch), Number.POSITIVE_INFINITY)
  }

  /** `send`, in one system call at the most. @internal */
  sendOnce(messages: Messages): number {
    return this.#transmit(messages, 1)
  }

  /**
   * Takes what has arrived: one system call, never waiting.
   *
   * @returns how many datagrams are in the batch now; 0 if none had arrived
   * @throws ErrnoError, `ECONNREFUSED` for a connected peer that is not there
   */
  recv(batch: RecvBatch): number {
    this.assertOpen()
    const side = this.assertReceivable(batch)
    try {
      const count = receive(this.#calls, side.slots, this.#errors)
      if (count > 0) this.#drops.note(side)
      return count
    } catch (error) {
      throw this.#noteLoss(error)
    }
  }

  /**
   * Checks that a batch can take what this socket receives.
   *
   * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_SLOT_TOO_SMALL` @internal
   */
  assertReceivable(batch: unknown): ReceiveSide {
    const side = assertRecvBatch(batch)
    if (this.#gro.available && side.slots.slotBytes < GRO_SLOT_BYTES) throw slotTooSmall(side.slots.slotBytes)
    return side
  }

  /** Notes that the descriptor has an error event, so that the next `recv` empties the error queue. @internal */
  noteErrorEvent(): void {
    this.#errors.noteEvent()
  }

  /**
   * Errors reported by the network since the last call, oldest first, at most 1024. With `recvErrors` they are reported
   * here only. What this host itself rejects (EMSGSIZE) is reported here, and fails the message as well.
   *
   * @throws TypeError `ERR_INVALID_STATE` unless the socket has `recvErrors`
   */
  takeErrors(): NetworkError[] {
    this.assertOpen()
    if (!this.#errors.isEnabled) {
      throw typeError('ERR_INVALID_STATE', 'takeErrors() needs a socket that was opened with recvErrors: true')
    }
    return this.#errors.take()
  }

  /** Joins a multicast group. @throws ErrnoError `ENODEV`, `EADDRINUSE` */
  joinMulticast(membership: Membership): this {
    changeMembership(this.#openFd(), this.#family, 'join', membership)
    return this
  }

  /** Leaves a multicast group. @throws ErrnoError `EADDRNOTAVAIL` if it was not joined */
  leaveMulticast(membership: Membership): this {
    changeMembership(this.#openFd(), this.#family, 'leave', membership)
    return this
  }

  /**
   * Gives the descriptor up without closing it: the opposite of `adopt`. This object is closed then.
   *
   * @returns the descriptor, which the caller must close. In a worker thread it is a duplicate, with another number.
   */
  release(): number {
    this.assertOpen()
    this.beforeClose()
    this.#fd = -1
    return this.#owner.release()
  }

  /** Closes the socket. Closing twice has no effect. */
  close(): void {
    if (this.#fd < 0) return
    this.beforeClose()
    this.#fd = -1
    this.#owner.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Ends what uses the descriptor. @internal */
  protected beforeClose(): void {}

  /** @throws TypeError `ERR_SOCKET_CLOSED` */
  protected assertOpen(): void {
    if (this.#fd < 0) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
  }

  #transmit(messages: Messages, maxCalls: number): number {
    this.assertOpen()
    try {
      return transmit(this.#sending, messages, maxCalls)
    } catch (error) {
      throw this.#noteLoss(error)
    }
  }

  // The descriptor was closed elsewhere. Its number can be in use again, so nothing may be done with it any more.
  #noteLoss(error: unknown): unknown {
    if (this.#fd >= 0 && error instanceof ErrnoError && LOST_DESCRIPTOR.has(error.code)) {
      this.beforeClose()
      this.#fd = -1
    }
    return error
  }

  #openFd(): number {
    this.assertOpen()
    return this.#fd
  }

  #ofFamily(address: EndpointLike): Endpoint {
    const made = endpoint(address)
    if (made.family === this.#family) return made
    const message = `the socket is ${this.#family}; ${made} is an ${made.family} address`
    throw typeError('ERR_ADDRESS_FAMILY', message)
  }
}

const LOST_DESCRIPTOR = new Set(['EBADF', 'ENOTSOCK'])
