import type * as dgram from 'node:dgram'
import { toByteView } from '../memory/byte-view.js'
import { Counters } from '../socket/counters.js'
import type { FeatureStatus } from '../socket/feature-status.js'
import { BatchedSocket, type SendTarget } from './batched-socket.js'
import { ownBytes } from './bytes.js'
import type { SendCallback } from './completion.js'
import type { OwnBuffer } from './events.js'
import { NodeSocket, noteTypeRead, REPLACED } from './node-socket.js'
import type { SocketOptions } from './options.js'
import type { RemoteInfo } from './remote-info.js'
import { type DgramStats, QueueCounters } from './stats.js'

/** Payload that node:dgram accepts. */
export type Sendable = string | NodeJS.ArrayBufferView

/** Receives each datagram. */
export type MessageListener = (bytes: OwnBuffer, info: RemoteInfo) => void

const BATCHED = Symbol('batchconn.dgram')
const TYPE = Symbol('batchconn.dgram.type')

/**
 * A node:dgram Socket that sends and receives in batches. It is a subclass: Node's own code handles arguments, events and
 * errors. If batching is not supported, it works as node:dgram does.
 */
class BatchingSocket extends NodeSocket {
  /** @internal */
  declare [BATCHED]?: BatchedSocket
  /** @internal */
  declare [TYPE]?: dgram.SocketType

  constructor(type: dgram.SocketType | SocketOptions, listener?: MessageListener) {
    super(type, listener)
    addBatching(this, type)
  }

  /** Status of batching: on or off, with the reason. */
  get batching(): FeatureStatus {
    return this[BATCHED]?.batching ?? { available: false, reason: 'the socket is not constructed yet' }
  }

  /** Extra: number of datagrams the kernel has dropped because the receive buffer was full. Requires `countDrops`. */
  get kernelDrops(): number | undefined {
    return this[BATCHED]?.kernelDrops
  }

  /** Extra: counters of this socket since it was created: a snapshot. After `close`, the last values. */
  get stats(): DgramStats {
    return this[BATCHED]?.stats ?? new QueueCounters(new Counters()).stats()
  }

  /** Extra: true while messages are queued because the kernel accepts no more. Wait for the event `drain`. */
  get writableNeedDrain(): boolean {
    return this[BATCHED]?.isBlocked === true
  }

  /** As in node:dgram. The messages of a tick are sent together at its end. */
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
  /** Extra: sends to a destination object, with options of the message. Options require a bound socket. */
  override send(message: Sendable, target: SendTarget, callback?: SendCallback): void
  override send(message: unknown, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    const batched = this[BATCHED]
    if (d === undefined && e === undefined) {
      const own = ownBytes(message)
      if (own !== undefined && batched?.send(own, a, b, c) === true) return
      const bytes = own ?? (isTarget(a) && ArrayBuffer.isView(message) ? toByteView(message) : undefined)
      if (bytes !== undefined && isTarget(a)) {
        if (batched?.sendTo(bytes, a, b) === true) return
        const { port, address } = a
        Reflect.apply(super.send, this, [bytes, ...(port === undefined ? [] : [port, address]), b])
        return
      }
    }
    Reflect.apply(super.send, this, withoutTail([message, a, b, c, d, e]))
    batched?.noteSlowSend()
  }

  /**
   * Extra: sends each element of a list as one datagram, all to the same destination.
   *
   * @param target - default: the connected peer
   * @param callback - called once, after the last message, with the first error or null, and the number of bytes sent
   */
  sendMany(messages: readonly Sendable[], target?: SendTarget, callback?: SendCallback): void
  sendMany(messages: readonly Sendable[], callback?: SendCallback): void
  sendMany(messages: readonly Sendable[], target?: SendTarget | SendCallback, last?: SendCallback): void {
    const callback = typeof target === 'function' ? target : last
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
    const completed = callback === undefined ? undefined : onSent
    for (const message of messages) {
      if (isTarget(target)) this.send(message, target, completed)
      else this.send(message, completed)
    }
  }
}

// Node's constructor assigns `type`. This setter then defines an own accessor, so that reads can be detected. If a plain
// property later became an accessor, V8 would store all properties of the socket in a hash table.
Object.defineProperty(BatchingSocket.prototype, 'type', {
  configurable: true,
  set(this: BatchingSocket, type: dgram.SocketType) {
    Object.defineProperty(this, TYPE, { value: type, writable: true, configurable: true })
    Object.defineProperty(this, 'type', OWN_TYPE)
  },
})

const OWN_TYPE: PropertyDescriptor & ThisType<BatchingSocket> = {
  configurable: true,
  enumerable: true,
  get() {
    noteTypeRead(this)
    return this[TYPE]
  },
  set(type: dgram.SocketType) {
    if (Object.hasOwn(this, 'type')) this[TYPE] = type
    // An object that inherits from the socket gets its own property.
    else Object.defineProperty(this, 'type', { value: type, writable: true, enumerable: true, configurable: true })
  },
}

function addBatching(socket: BatchingSocket, type: dgram.SocketType | SocketOptions): void {
  const options = typeof type === 'object' && type !== null ? type : { type }
  Object.defineProperty(socket, BATCHED, { value: new BatchedSocket(socket, options), configurable: true })
}

/** Constructor of sockets, also callable without `new`: `Socket.call(this, …)`, as node:dgram's. */
export interface SocketConstructor {
  new (type: dgram.SocketType | SocketOptions, listener?: MessageListener): Socket
  readonly prototype: Socket
}

export interface Socket extends BatchingSocket {}

export const Socket = ordinaryConstructor()

/** Creates a socket, as in node:dgram. */
export function createSocket(type: dgram.SocketType | SocketOptions, listener?: MessageListener): Socket {
  return new BatchingSocket(type, listener)
}

function ordinaryConstructor(): SocketConstructor {
  function Socket(this: BatchingSocket, type: dgram.SocketType | SocketOptions, listener?: MessageListener): unknown {
    if (new.target !== undefined) return Reflect.construct(BatchingSocket, [type, listener], new.target)
    Reflect.apply(NodeSocket, this, [type, listener])
    addBatching(this, type)
    return undefined
  }
  Object.setPrototypeOf(Socket, NodeSocket)
  Object.defineProperty(Socket, 'prototype', { value: BatchingSocket.prototype, writable: false })
  Object.defineProperty(Socket, REPLACED, { value: NodeSocket })
  // Sockets that Node's own code creates, such as those received from another process, are also instances.
  Object.defineProperty(Socket, Symbol.hasInstance, {
    value(this: unknown, value: unknown) {
      const wanted = this === Socket ? NodeSocket : this
      return Reflect.apply(Function.prototype[Symbol.hasInstance], wanted, [value])
    },
  })
  Object.defineProperty(BatchingSocket.prototype, 'constructor', { value: Socket, writable: true, configurable: true })
  return Socket as unknown as SocketConstructor
}

/** Removes trailing undefined arguments, because a tracer that replaces `send` may count them. */
function withoutTail(args: unknown[]): unknown[] {
  return args.slice(0, args.findLastIndex((value) => value !== undefined) + 1)
}

function isTarget(value: unknown): value is SendTarget {
  return typeof value === 'object' && value !== null && Object.keys(value).some((key) => TARGET_KEYS.has(key))
}

const TARGET_KEYS = new Set(['port', 'address', 'ecn', 'tos', 'ttl', 'source', 'interfaceIndex'])
