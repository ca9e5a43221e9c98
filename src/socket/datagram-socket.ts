import { typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Messages } from '../batch/messages.js'
import type { ReceiveSide, RecvBatch } from '../batch/recv-batch.js'
import type { SendBatch } from '../batch/send-batch.js'
import { DestinationKind, type Endpoint, type EndpointLike, type Family } from '../endpoint/endpoint.js'
import { libc } from '../libc/libc.js'
import { assertRecvBatch, assertSendBatch } from './batch-arguments.js'
import { BatchedCalls } from './batched-calls.js'
import { applyControlSettings, type OpenOptions, recvErrorsSetting } from './conn-options.js'
import { Counters } from './counters.js'
import { connectDescriptor, disconnectDescriptor, endpointOf, localEndpoint, remoteEndpoint } from './descriptor.js'
import { isLostDescriptor, type OwnedDescriptor, type SocketDescriptor } from './descriptor-owner.js'
import { reportGsoOff } from './diagnostics.js'
import { DropCounter } from './drop-counter.js'
import { ErrorQueue, type NetworkError } from './error-queue.js'
import type { FeatureStatus } from './feature-status.js'
import { closeWhenReleased } from './lingering-close.js'
import { changeMembership, type Membership } from './multicast.js'
import { trafficClass } from './option.js'
import { type Receiving, receiveCounted } from './receive.js'
import { bindSteered } from './reuse-port.js'
import { closeReceiveOffload, openReceiveOffload, SegmentationOffload } from './segmentation-offload.js'
import { LiveSocketOptions, SETTING_NAMES } from './socket-options.js'
import type { SocketStats } from './socket-stats.js'
import { assertNotInterrupted, type Sending, transmit } from './transmit.js'
import { ZeroCopy } from './zero-copy.js'
import { ZeroCopySends } from './zero-copy-sends.js'

/** UDP socket without waiting: owns the descriptor, sets options, and sends or receives a batch per system call. */
export class DatagramSocket {
  readonly #family: Family
  readonly #options: LiveSocketOptions
  readonly #counters: Counters
  readonly #receiving: Receiving
  readonly #errors: ErrorQueue
  readonly #calls: BatchedCalls
  readonly #sending: { -readonly [name in keyof Sending]: Sending[name] }
  #gro: FeatureStatus
  readonly #owner: OwnedDescriptor
  #fd: number

  protected constructor(
    { fd, family, own, isNew = false, counters = new Counters() }: SocketDescriptor,
    options: OpenOptions,
  ) {
    const { countDrops = false, gro = false, gso = true, zeroCopy = false } = options
    this.#fd = fd
    this.#family = family
    this.#options = new LiveSocketOptions(() => this.#openFd(), family)
    for (const name of SETTING_NAMES) {
      if (options[name] !== undefined) Object.assign(this.#options, { [name]: options[name] })
    }
    counters.socket ??= this
    this.#counters = counters
    const drops = new DropCounter(fd, validate.boolean(countDrops, 'countDrops'), counters)
    applyControlSettings(fd, family, options)
    this.#gro = openReceiveOffload(fd, validate.boolean(gro, 'gro'))
    const sends = zeroCopy === false ? undefined : new ZeroCopySends()
    this.#errors = new ErrorQueue(libc(), fd, recvErrorsSetting(fd, family), sends)
    this.#calls = new BatchedCalls(libc(), fd, counters)
    this.#receiving = { calls: this.#calls, drops, errors: this.#errors, mayHoldGro: this.#gro.available || !isNew }
    this.#sending = {
      calls: this.#calls,
      supported: 0,
      offload: new SegmentationOffload(fd, validate.boolean(gso, 'gso'), (reason) => reportGsoOff(counters, reason)),
      zeroCopy: sends && new ZeroCopy(fd, zeroCopy, sends, this.#calls, this.#errors),
      isOwnError: (errno) => this.#errors.isEnabled && this.#errors.drain(errno) === 'local',
    }
    this.noteConnection()
    this.#owner = own(fd)
  }

  get family(): Family {
    return this.#family
  }

  /** Socket options, read from the kernel and written to it. */
  get options(): LiveSocketOptions {
    return this.#options
  }

  /** Descriptor of the socket. @throws TypeError `ERR_SOCKET_CLOSED` */
  get fd(): number {
    return this.#openFd()
  }

  get closed(): boolean {
    return this.#fd < 0
  }

  /** Local address; port 0 if the socket is not bound. */
  get localAddress(): Endpoint {
    const address = localEndpoint(this.#openFd())
    if (address === undefined) throw typeError('ERR_INVALID_FD_TYPE', 'the socket has no IP address')
    return address
  }

  /** Connected peer; undefined if the socket is not connected. */
  get remoteAddress(): Endpoint | undefined {
    return remoteEndpoint(this.#openFd())
  }

  /**
   * Number of datagrams that the kernel has dropped because the receive buffer was full. Undefined unless opened with
   * `countDrops`. Before Linux 4.12, drops after the last received datagram are not included.
   *
   * With `gro` the number is a lower bound: the kernel counts a dropped GRO buffer once, however many datagrams it holds.
   */
  get kernelDrops(): number | undefined {
    return this.#receiving.drops.total(!this.closed)
  }

  /** Counters of this socket since it was opened: a snapshot. After `close`, the last values. */
  get stats(): SocketStats {
    if (!this.closed) this.#receiving.drops.refresh()
    return this.#counters.stats()
  }

  /** Status of GSO sends (UDP_SEGMENT), with the reason. A device that rejects one disables them permanently. */
  get gso(): FeatureStatus {
    this.assertOpen()
    return this.#sending.offload.status
  }

  /** Status of receiving GRO buffers (UDP_GRO), with the reason. */
  get gro(): FeatureStatus {
    return this.#gro
  }

  /** Stops receiving GRO buffers, which another process that shares the descriptor may not support. @internal */
  stopGro(): void {
    this.#gro = closeReceiveOffload(this.#openFd(), this.#gro)
  }

  /**
   * Status of `sendmmsg` and `recvmmsg`, with the reason. Off if the system rejects them (a seccomp filter, an old kernel).
   * Then each message takes one system call, and everything else works the same.
   */
  get batching(): FeatureStatus {
    return this.#calls.status
  }

  /** Binds the socket (bind(2)). @throws ErrnoError `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` */
  bind(address: EndpointLike): this {
    const local = endpointOf(address, this.#family)
    bindSteered(this.#openFd(), this.#family, local, this.#options.steering)
    return this
  }

  /** Sets the default destination (connect(2)); only datagrams from that peer are received. */
  connect(address: EndpointLike): this {
    const peer = endpointOf(address, this.#family)
    if (peer.port === 0) validate.port(0, 'port', 1)
    connectDescriptor(this.#openFd(), peer)
    this.noteConnection()
    return this
  }

  /** Reads from the kernel whether the descriptor is connected, which another owner may have changed. @internal */
  noteConnection(): void {
    const connected = this.remoteAddress === undefined ? 0 : DestinationKind.connected
    this.#sending.supported = DestinationKind[this.#family] | connected
    this.#sending.offload.forgetPeer()
  }

  /** Removes the default destination. */
  disconnect(): this {
    disconnectDescriptor(this.#openFd())
    this.noteConnection()
    return this
  }

  /**
   * Sends the unsent messages of a batch: one system call, or more above 1024 messages.
   *
   * @returns number of accepted messages; 0 if the socket would block, or none was left. Call again for the rest or its error.
   * @throws ErrnoError or TypeError, with the `index` of the first unsent message if that message failed; `batch.skip()`
   *   skips it. Error `ERR_SEND_INTERRUPTED` if an earlier send was interrupted, as by a timeout of node:vm
   */
  send(batch: SendBatch): number {
    const messages = assertSendBatch(batch)
    assertNotInterrupted(messages)
    return this.sendMessages(messages)
  }

  /** Sends as `send` does. @param maxCalls - maximum number of system calls that accept messages @internal */
  sendMessages(messages: Messages, maxCalls = Number.POSITIVE_INFINITY): number {
    this.assertOpen()
    try {
      if (messages.withEcn > 0) messages.useDscp(trafficClass(this.#fd, this.family))
      return transmit(this.#sending, messages, maxCalls)
    } catch (error) {
      throw this.#noteLoss(error)
    }
  }

  /**
   * Receives the datagrams that have arrived: one system call, without waiting.
   *
   * @returns number of datagrams in the batch; 0 if none had arrived
   * @throws ErrnoError, for example `ECONNREFUSED` if no socket is open at the connected peer's address. Error
   *   `ERR_RECEIVE_INTERRUPTED`, once, if an earlier receive into this batch was interrupted
   */
  recv(batch: RecvBatch): number {
    this.assertOpen()
    const side = this.assertReceivable(batch)
    try {
      return receiveCounted(this.#receiving, side)
    } catch (error) {
      throw this.#noteLoss(error)
    }
  }

  /**
   * Validates a batch to receive into.
   *
   * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_SLOT_TOO_SMALL` @internal
   */
  assertReceivable(batch: unknown): ReceiveSide {
    return assertRecvBatch(batch, this.#gro.available)
  }

  /** Records an error event of the descriptor, so that the next `recv` empties the error queue. @internal */
  noteErrorEvent(): void {
    this.#errors.noteEvent()
  }

  /** Zero-copy sends of this socket, if it was opened with the option. @internal */
  protected get zeroCopySends(): ZeroCopy | undefined {
    return this.#sending.zeroCopy
  }

  /**
   * Returns the network errors since the last call, oldest first, at most 1024. With `recvErrors`, network errors are reported
   * only here. Errors of this host (EMSGSIZE) are reported here and also fail the message.
   *
   * @throws TypeError `ERR_INVALID_STATE` unless the socket has `recvErrors`
   */
  takeErrors(): NetworkError[] {
    this.assertOpen()
    return this.#errors.take()
  }

  /** Joins a multicast group. @throws ErrnoError `ENODEV`, `EADDRINUSE` */
  joinMulticast(membership: Membership): this {
    changeMembership(() => this.#openFd(), this.#family, 'join', membership)
    return this
  }

  /** Leaves a multicast group. @throws ErrnoError `EADDRNOTAVAIL` if the group was not joined */
  leaveMulticast(membership: Membership): this {
    changeMembership(() => this.#openFd(), this.#family, 'leave', membership)
    return this
  }

  /**
   * Releases the descriptor without closing it, the opposite of `adopt`. The socket is then closed.
   * @returns the descriptor, which the caller must close. In a worker thread it is a duplicate, with another number.
   * @throws TypeError `ERR_BATCH_IN_FLIGHT` while zero-copy sends are in flight
   */
  release(): number {
    this.assertOpen()
    this.#sending.zeroCopy?.assertIdle()
    this.beforeClose()
    this.#fd = -1
    return this.#owner.release()
  }

  /** Closes the socket. The descriptor stays open until the kernel no longer reads zero-copy memory, at most 10 s. */
  close(): void {
    if (this.#fd < 0) return
    this.beforeClose()
    this.#fd = -1
    closeWhenReleased(this.#owner, this.#sending.zeroCopy)
  }

  /** Called before the socket closes, to stop all uses of the descriptor. @internal */
  protected beforeClose(): void {}

  /** @throws TypeError `ERR_SOCKET_CLOSED` */
  protected assertOpen(): void {
    if (this.#fd < 0) throw typeError('ERR_SOCKET_CLOSED', 'the socket is closed')
  }

  // The descriptor was closed elsewhere. Its number may already be reused, so stop using it.
  #noteLoss(error: unknown): unknown {
    if (this.#fd >= 0 && isLostDescriptor(error)) {
      this.beforeClose()
      this.#fd = -1
      this.#sending.zeroCopy?.sends.lose('the descriptor was closed elsewhere')
    }
    return error
  }

  #openFd(): number {
    this.assertOpen()
    return this.#fd
  }
}
