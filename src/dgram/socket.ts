import type * as dgram from 'node:dgram'
import { isIP } from 'node:net'
import { typeError } from '../arguments/errors.js'
import type { MessageOptions } from '../batch/message-options.js'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { ECANCELED } from '../libc/constants.js'
import type { OffloadStatus } from '../socket/segmentation-offload.js'
import { Accelerator } from './accelerator.js'
import { completion, finish, type SendCallback, settle } from './completion.js'
import { Destinations } from './destinations.js'
import type { OwnBuffer } from './events.js'
import { isNodeHandle, NodeSocket, type NodeState, READY, stateOf, watchHandle } from './node-socket.js'
import type { SocketOptions } from './options.js'
import type { Recipient, RemoteInfo } from './receiver.js'
import { shareItsPort } from './reuse-port.js'
import { blockedError } from './send-error.js'
import { type Bytes, ownCopy } from './send-queue.js'
import { batchingSupport } from './support.js'

/** What node:dgram sends. */
export type Sendable = string | NodeJS.ArrayBufferView

/** Where a message goes and what else it asks for: an extra form of `send`. */
export interface SendTarget extends Omit<MessageOptions, 'segmentBytes' | 'txTimeNs'> {
  /** Left out, like `address`, on a connected socket. */
  port?: number
  /** A numeric address. Left out, the loopback address. */
  address?: string
}

/**
 * node:dgram's Socket with batching underneath. It is one: arguments, events and errors are Node's own code, and only how
 * datagrams leave and arrive is different. Where batching cannot be had, nothing is.
 */
export class Socket extends NodeSocket {
  readonly #batching: OffloadStatus
  #state: NodeState | undefined
  readonly #options: SocketOptions
  readonly #destinations: Destinations
  readonly #hasOwnWay: boolean
  #accelerator: Accelerator | undefined
  #slowSends = 0

  constructor(type: dgram.SocketType | SocketOptions, listener?: (bytes: OwnBuffer, info: RemoteInfo) => void) {
    super(type, listener)
    this.#options = typeof type === 'object' && type !== null ? type : { type }
    this.#destinations = new Destinations(this.#options.type === 'udp6' ? 'ipv6' : 'ipv4')
    // Their meaning is in the steps between Node's send and the handle: leave them to Node.
    this.#hasOwnWay = this.#options.lookup !== undefined || this.#options.sendBlockList !== undefined
    this.#state = stateOf(this)
    this.#batching = this.#state === undefined ? UNKNOWN_STATE : batchingSupport()
    if (this.#batching.state === 'on' && this.#state !== undefined) this.#state = this.#takeOver(this.#state)
  }

  /** Whether datagrams go in batches, and why. */
  get batching(): OffloadStatus {
    return this.#accelerator?.refusal ?? this.#batching
  }

  /** As node:dgram's; the message leaves at the end of the tick, together with the others. */
  override send(message: Sendable | readonly unknown[], port?: number, address?: string, callback?: SendCallback): void
  override send(message: Sendable | readonly unknown[], port?: number, callback?: SendCallback): void
  override send(message: Sendable | readonly unknown[], callback?: SendCallback): void
  override send(
    message: Sendable,
    offset: number,
    length: number,
    port?: number,
    address?: string,
    callback?: SendCallback,
  ): void
  override send(message: Sendable, offset: number, length: number, port?: number, callback?: SendCallback): void
  override send(message: Sendable, offset: number, length: number, callback?: SendCallback): void
  /** Extra: the destination and what else is asked for as an object, on a socket that is bound. */
  override send(message: Sendable, target: SendTarget, callback?: SendCallback): void
  override send(message: unknown, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    if (d === undefined && e === undefined) {
      if (isBytes(message) && this.#sendFast(message, a, b, c)) return
      const bytes = isTarget(a) ? toBytes(message) : undefined
      if (bytes !== undefined && isTarget(a)) {
        this.#sendTo(bytes, a, b)
        return
      }
    }
    Reflect.apply(super.send, this, [message, a, b, c, d, e])
    // Node looks the address up, in the next tick if it is numeric: until then nothing may overtake this message.
    this.#afterSlowSends(() => {})
  }

  #afterSlowSends(work: () => void): void {
    this.#slowSends += 1
    process.nextTick(() => {
      this.#slowSends -= 1
      work()
    })
  }

  /**
   * Extra: sends each of a list as a datagram of its own, to one destination.
   *
   * @param target - left out, to the connected peer
   * @param callback - called once, after the last; with the first error if there was one, and the bytes that were sent
   */
  sendMany(messages: readonly Sendable[], target: SendTarget = {}, callback?: SendCallback): void {
    let left = messages.length
    let sent = 0
    let failure: Error | null = null
    const onSent: SendCallback = (error, bytes) => {
      failure ??= error
      sent += error === null ? bytes : 0
      left -= 1
      if (left === 0) callback?.(failure, sent)
    }
    if (left === 0 && callback !== undefined) process.nextTick(callback, null, 0)
    const told = callback === undefined ? undefined : onSent
    for (const message of messages) {
      if (isTarget(target)) this.send(message, target, told)
      else this.send(message, told)
    }
  }

  /** The common forms, from a bound socket to a numeric address. @returns false if it is for Node to do, or to refuse */
  #sendFast(message: Bytes, a: unknown, b: unknown, c: unknown): boolean {
    const state = this.#state
    if (this.#accelerator === undefined || this.#hasOwnWay || this.#slowSends > 0) return false
    if (state?.bindState !== READY) return false
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

  #sendTo(message: Bytes, target: SendTarget, callback: unknown): void {
    const { port, address, ...options } = target
    if (this.#accelerator === undefined || this.#state?.bindState !== READY) {
      if (Object.keys(options).length > 0) {
        throw typeError('ERR_INVALID_STATE', 'options of a single message need a bound socket with batching on')
      }
      Reflect.apply(super.send, this, [message, ...(port === undefined ? [] : [port, address]), callback])
      return
    }
    const destination = port === undefined ? undefined : this.#destinations.find(address ?? this.#loopback, port)
    if (port !== undefined && destination === undefined) {
      const message = `send with a target needs a numeric address of the socket's family; received '${address}'`
      throw typeError('ERR_INVALID_ARG_VALUE', message)
    }
    const told = isCallback(callback) ? callback : undefined
    const blocked = destination?.address ?? ''
    if (this.#accelerator.refuses(blocked)) {
      if (told !== undefined) process.nextTick(() => Reflect.apply(told, undefined, [blockedError(blocked)]))
      return
    }
    const enqueue = (bytes: Bytes) => this.#enqueue(bytes, destination, address, port, told, options)
    if (this.#slowSends === 0) {
      enqueue(message)
      return
    }
    const copy = ownCopy(message)
    this.#afterSlowSends(() => enqueue(copy))
  }

  #enqueue(
    message: Bytes,
    destination: Endpoint | undefined,
    address: string | undefined,
    port: number | undefined,
    callback: SendCallback | undefined,
    options?: MessageOptions,
  ): void {
    const told = callback === undefined ? undefined : completion(callback, address, port)
    if (this.#accelerator !== undefined) {
      this.#accelerator.queue.add(message, destination, told, options)
    } else if (told !== undefined) {
      finish(told, -ECANCELED)
      settle(told)
    }
  }

  get #loopback(): string {
    return this.#options.type === 'udp6' ? '::1' : '127.0.0.1'
  }

  /** Accelerates the handle there is, and any that replaces it. */
  #takeOver(state: NodeState): NodeState {
    const recipient = this.#recipient()
    const isSharedHere = this.#options.reusePort === true && !('reusePort' in state)
    return watchHandle(this, state, (handle) => {
      if (handle !== null && isSharedHere) shareItsPort(handle, this.#options.type === 'udp6' ? 'ipv6' : 'ipv4')
      if (handle === null) this.#accelerator = undefined
      else if (isNodeHandle(handle)) this.#accelerator = new Accelerator(handle, recipient, this.#options)
    })
  }

  #recipient(): Recipient {
    const { receiveBlockList, recvTos, recvTtl, recvDestination } = this.#options
    const isBlocked = (address: string) =>
      receiveBlockList?.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') === true
    const socket = this
    return {
      rest: [],
      wantsDetails: recvTos === true || recvTtl === true || recvDestination === true,
      get isReceiving() {
        return socket.#accelerator?.isReceiving === true
      },
      get wantsBatches() {
        return socket.listenerCount('batch') > 0
      },
      get messageListeners() {
        return socket.listenerCount('message')
      },
      onBatch: (batch: RecvBatch) => this.emit('batch', batch),
      onMessage: (bytes, info) => {
        if (receiveBlockList === undefined || !isBlocked(info.address)) this.emit('message', bytes, info)
      },
      onError: (status) => {
        const handle = this.#state?.handle
        handle?.onmessage?.(status, handle, undefined, undefined)
      },
    }
  }
}

/** As node:dgram's. */
export function createSocket(
  type: dgram.SocketType | SocketOptions,
  listener?: (bytes: OwnBuffer, info: RemoteInfo) => void,
): Socket {
  return new Socket(type, listener)
}

function isBytes(message: unknown): message is Bytes {
  if (message instanceof Uint8Array || typeof message === 'string') return true
  return Array.isArray(message) && message.every((piece) => piece instanceof Uint8Array || typeof piece === 'string')
}

/** What can be sent with a target, as bytes; undefined for anything else. */
function toBytes(message: unknown): Bytes | undefined {
  if (isBytes(message)) return message
  if (!ArrayBuffer.isView(message)) return undefined
  return new Uint8Array(message.buffer, message.byteOffset, message.byteLength)
}

function isCallback(value: unknown): value is SendCallback | undefined {
  return value === undefined || typeof value === 'function'
}

function isTarget(value: unknown): value is SendTarget {
  return typeof value === 'object' && value !== null && Object.keys(value).some((key) => TARGET_KEYS.has(key))
}

const TARGET_KEYS = new Set(['port', 'address', 'ecn', 'tos', 'ttl', 'source', 'interfaceIndex'])

const UNKNOWN_STATE: OffloadStatus = { state: 'off', reason: 'this runtime’s dgram keeps its state in another way' }
