import { isIP } from 'node:net'
import { typeError } from '../arguments/errors.js'
import type { MessageOptions } from '../batch/message-options.js'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { ECANCELED } from '../libc/constants.js'
import { canPoll } from '../loop/poll-handle.js'
import { raise } from '../loop/reactor.js'
import { batchingSupport } from '../probe/batching.js'
import { Counters } from '../socket/counters.js'
import { warnOnce } from '../socket/diagnostics.js'
import type { NetworkError } from '../socket/error-queue.js'
import type { FeatureStatus } from '../socket/feature-status.js'
import type { ReusePortOptions } from '../socket/reuse-port.js'
import { Accelerator } from './accelerator.js'
import { type Bytes, ownCopy } from './bytes.js'
import { completion, finish, type SendCallback, settle } from './completion.js'
import { type Destinations, destinations } from './destinations.js'
import type { EventfulSocket } from './events.js'
import {
  isNodeHandle,
  isNodeSendOriginal,
  type NodeHandle,
  type NodeState,
  READY,
  stateOf,
  watchHandle,
} from './node-socket.js'
import { readSettings, type Settings, type SocketOptions } from './options.js'
import type { Recipient } from './receiver.js'
import { shareItsPort } from './reuse-port.js'
import { blockedError } from './send-error.js'
import { type DgramStats, QueueCounters } from './stats.js'

/** Destination of a message, and options of that message. */
export interface SendTarget extends Omit<MessageOptions, 'segmentBytes' | 'txTimeNs'> {
  /** Required unless the socket is connected. */
  port?: number
  /** Numeric address. Default: the loopback address, if not connected. */
  address?: string
}

/**
 * Sends and receives the datagrams of one socket. It is stored beside the socket instead of in private fields of its class,
 * so that a Proxy of the socket, or an object that inherits from it, works as with node:dgram.
 */
export class BatchedSocket {
  readonly settings: Settings
  readonly recipient: Recipient
  readonly counters: Counters
  readonly queueCounters: QueueCounters
  readonly #socket: EventfulSocket
  readonly #options: SocketOptions
  readonly #destinations: Destinations
  readonly #batching: FeatureStatus
  readonly #isLeftToNode: boolean
  #state: NodeState | undefined
  #accelerator: Accelerator | undefined
  #slowSends = 0

  constructor(socket: EventfulSocket, options: SocketOptions) {
    this.#socket = socket
    this.counters = new Counters(socket)
    this.queueCounters = new QueueCounters(this.counters)
    this.#options = options
    this.settings = readSettings(options)
    this.recipient = this.#newRecipient()
    this.#destinations = destinations[options.type === 'udp6' ? 'udp6' : 'udp4']
    // Node applies these options between `send` and the handle.
    this.#isLeftToNode = options.lookup !== undefined || options.sendBlockList !== undefined
    this.#state = stateOf(socket)
    const support = batchingSupport()
    this.#batching = support.available && this.#state === undefined ? UNKNOWN_STATE : support
    if (!this.#batching.available) warnOfFallback(this.#batching.reason)
    if (this.#batching.available && this.#state !== undefined) this.#state = this.#takeOver(this.#state)
  }

  /** Status of batching: on or off, with the reason. */
  get batching(): FeatureStatus {
    return this.#accelerator?.refusal ?? (this.#accelerator?.isShared === true ? SHARED : this.#batching)
  }

  get kernelDrops(): number | undefined {
    return this.#accelerator?.kernelDrops
  }

  get stats(): DgramStats {
    return this.#accelerator?.stats ?? this.queueCounters.stats()
  }

  get isBlocked(): boolean {
    return this.#accelerator?.isBlocked === true
  }

  /**
   * Sends from a bound socket to a numeric address, the common case.
   *
   * @returns false if the call must go through Node's `send`
   */
  send(message: Bytes, a: unknown, b: unknown, c: unknown): boolean {
    const state = this.#state
    if (this.#accelerator === undefined || this.#isLeftToNode || this.#slowSends > 0) return false
    if (state?.bindState !== READY || !isNodeSendOriginal()) return false
    if (state.connectState === READY) {
      if (b !== undefined || c !== undefined || !isCallback(a)) return false
      this.#enqueue(message, undefined, undefined, undefined, a)
      return true
    }
    if (state.connectState !== 0 || typeof a !== 'number' || !(a > 0 && a < 65_536) || a >>> 0 !== a) return false
    const address = typeof b === 'string' && b !== '' ? b : this.#loopback
    const callback = typeof b === 'function' ? b : c
    if (!(typeof b === 'string' || b === undefined || (typeof b === 'function' && c === undefined))) return false
    if (!isCallback(callback)) return false
    const destination = this.#destinations.find(address, a)
    if (destination === undefined) return false
    this.#enqueue(message, destination, typeof b === 'string' ? b : undefined, a, callback)
    return true
  }

  /**
   * Sends to a target.
   *
   * @returns false if the call must go through Node's `send`: the socket is not bound, or batching is off
   */
  sendTo(message: Bytes, target: SendTarget, callback: unknown): boolean {
    const { port, address, ...options } = target
    if (this.#accelerator === undefined || this.#state?.bindState !== READY) {
      if (Object.keys(options).length === 0) return false
      throw typeError('ERR_INVALID_STATE', 'options of a single message require a bound socket with batching on')
    }
    const destination = port === undefined ? undefined : this.#destinations.find(address ?? this.#loopback, port)
    if (port !== undefined && destination === undefined) {
      const problem = `send with a target requires a numeric address of the socket's family; received '${address}'`
      throw typeError('ERR_INVALID_ARG_VALUE', problem)
    }
    const completed = isCallback(callback) ? callback : undefined
    const to = destination?.address ?? ''
    if (this.refuses(to)) {
      if (completed !== undefined) process.nextTick(() => Reflect.apply(completed, undefined, [blockedError(to)]))
      return true
    }
    const enqueue = (bytes: Bytes) => this.#enqueue(bytes, destination, address, port, completed, options)
    if (this.#slowSends === 0) {
      enqueue(message)
      return true
    }
    const copy = ownCopy(message)
    this.#afterSlowSends(() => enqueue(copy))
    return true
  }

  /**
   * Records a message that went through Node's `send`, which resolves even a numeric address in the next tick. Until then,
   * later messages also go through Node, or are delayed (`sendTo`), to preserve the order.
   */
  noteSlowSend(): void {
    if (this.#accelerator !== undefined) this.#afterSlowSends(() => {})
  }

  /** Returns true for an address on the send block list. */
  refuses(address: unknown): boolean {
    const { sendBlockList } = this.#options
    if (sendBlockList === undefined || typeof address !== 'string') return false
    return sendBlockList.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  onDrain(): void {
    process.nextTick(() => this.#socket.emit('drain'))
  }

  onNetworkErrors(errors: readonly NetworkError[]): void {
    for (const error of errors) {
      // A listener may have closed the socket.
      if (!this.recipient.isReceiving) return
      try {
        this.#socket.emit('networkError', error)
      } catch (thrown) {
        raise(thrown)
      }
    }
  }

  #afterSlowSends(work: () => void): void {
    this.#slowSends += 1
    process.nextTick(() => {
      this.#slowSends -= 1
      work()
    })
  }

  #enqueue(
    message: Bytes,
    destination: Endpoint | undefined,
    address: string | undefined,
    port: number | undefined,
    callback: SendCallback | undefined,
    options?: MessageOptions,
  ): void {
    const completed = callback === undefined ? undefined : completion(callback, address, port)
    if (this.#accelerator !== undefined) {
      this.#accelerator.queue.add(message, destination, completed, options)
    } else if (completed !== undefined) {
      finish(completed, -ECANCELED)
      settle(completed)
    }
  }

  get #loopback(): string {
    return this.#options.type === 'udp6' ? '::1' : '127.0.0.1'
  }

  /** Accelerates the current handle and any handle that replaces it, which counts as shared. */
  #takeOver(state: NodeState): NodeState {
    const { reusePort } = this.settings
    const isOwn = typeof reusePort === 'object' || (reusePort === true && !('reusePort' in state))
    const sharedPort = isOwn ? reusePort : false
    let isShared = false
    return watchHandle(this.#socket, state, {
      onHandle: (handle) => {
        this.#accelerator = isNodeHandle(handle) ? this.#accelerate(handle, isShared, sharedPort) : undefined
        isShared = true
      },
      onShare: () => this.#accelerator?.share(),
    })
  }

  #accelerate(handle: NodeHandle, isShared: boolean, reusePort: boolean | ReusePortOptions): Accelerator {
    if (reusePort !== false) shareItsPort(handle, this.#options.type === 'udp6' ? 'ipv6' : 'ipv4', reusePort)
    return new Accelerator(handle, this, isShared)
  }

  #newRecipient(): Recipient {
    const { receiveBlockList } = this.#options
    const isBlocked = (address: string) =>
      receiveBlockList?.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') === true
    const socket = this.#socket
    const accelerator = () => this.#accelerator
    return {
      rest: [],
      needsDetails: this.settings.needsDetails,
      get isReceiving() {
        return accelerator()?.isReceiving === true
      },
      get isShared() {
        return accelerator()?.isShared === true
      },
      get hasBatchListeners() {
        return socket.listenerCount('batch') > 0
      },
      get messageListeners() {
        return socket.listenerCount('message')
      },
      inContext: (work) => accelerator()?.inContext(work),
      onBatch: (batch: RecvBatch) => socket.emit('batch', batch),
      onMessage: (bytes, info) => {
        if (receiveBlockList !== undefined && isBlocked(info.address)) return
        if (KEEPS_CONTEXT) accelerator()?.inContext(socket.emit, socket, 'message', bytes, info)
        else socket.emit('message', bytes, info)
      },
      onError: (status) => {
        const handle = this.#state?.handle
        handle?.onmessage?.(status, handle, undefined, undefined)
      },
    }
  }
}

function isCallback(value: unknown): value is SendCallback | undefined {
  return value === undefined || typeof value === 'function'
}

/** Warns once where batching is expected, because the program works without it, only slower. */
function warnOfFallback(reason: string): void {
  if (!canPoll || process.platform !== 'linux') return
  warnOnce('BATCHCONN_DGRAM', `batchconn/dgram: ${reason}; it works as node:dgram`)
}

const UNKNOWN_STATE: FeatureStatus = {
  available: false,
  reason: `the internals of node:dgram differ in Node.js ${process.version}`,
}

/** True from Node 24 on: a store that a listener enters (`AsyncLocalStorage.enterWith`) stays until the async scope ends. */
const KEEPS_CONTEXT = Number.parseInt(process.versions.node, 10) >= 24

const SHARED: FeatureStatus = {
  available: true,
  reason: 'sends in batches; receives one datagram per call, because another process may hold the descriptor',
}
