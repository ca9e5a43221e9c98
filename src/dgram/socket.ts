import type * as dgram from 'node:dgram'
import type { FeatureStatus } from '../socket/feature-status.js'
import { BatchedSocket, type SendTarget } from './batched-socket.js'
import type { SendCallback } from './completion.js'
import type { OwnBuffer } from './events.js'
import { NodeSocket, noteTypeRead, REPLACED } from './node-socket.js'
import type { SocketOptions } from './options.js'
import type { RemoteInfo } from './receiver.js'
import type { Bytes } from './send-queue.js'

/** What node:dgram sends. */
export type Sendable = string | NodeJS.ArrayBufferView

/** Receives each datagram. */
export type MessageListener = (bytes: OwnBuffer, info: RemoteInfo) => void

const BATCHED = Symbol('batchconn.dgram')
const TYPE = Symbol('batchconn.dgram.type')

/**
 * node:dgram's Socket with batching underneath. It is one: arguments, events and errors are Node's own code, and only how
 * datagrams leave and arrive is different. Where batching is not available, nothing is.
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

  /** Whether datagrams go in batches, and why. */
  get batching(): FeatureStatus {
    return this[BATCHED]?.batching ?? { available: false, reason: 'the socket is not constructed yet' }
  }

  /** Extra: number of datagrams the kernel has dropped because the receive buffer was full, with `countDrops`. */
  get kernelDrops(): number | undefined {
    return this[BATCHED]?.kernelDrops
  }

  /** Extra: true while messages wait because the kernel takes no more. Pause until the event `drain`. */
  get writableNeedDrain(): boolean {
    return this[BATCHED]?.isBlocked === true
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
  /** Extra: the destination and options of the message as an object, on a socket that is bound. */
  override send(message: Sendable, target: SendTarget, callback?: SendCallback): void
  override send(message: unknown, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): void {
    const batched = this[BATCHED]
    if (d === undefined && e === undefined) {
      if (isBytes(message) && batched?.send(message, a, b, c) === true) return
      const bytes = isTarget(a) ? toBytes(message) : undefined
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
    const completed = callback === undefined ? undefined : onSent
    for (const message of messages) {
      if (isTarget(target)) this.send(message, target, completed)
      else this.send(message, completed)
    }
  }
}

// Node's constructor stores `type`, which makes it an own property: one whose reading is noted. V8 would put all properties of
// a socket into a hash table if a plain property became an accessor later.
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
    // An object that inherits from the socket gets a property of its own.
    else Object.defineProperty(this, 'type', { value: type, writable: true, enumerable: true, configurable: true })
  },
}

function addBatching(socket: BatchingSocket, type: dgram.SocketType | SocketOptions): void {
  const options = typeof type === 'object' && type !== null ? type : { type }
  Object.defineProperty(socket, BATCHED, { value: new BatchedSocket(socket, options), configurable: true })
}

/** How sockets are constructed: as node:dgram's, also by `Socket.call(this, …)` from code that was written before classes. */
export interface SocketConstructor {
  new (type: dgram.SocketType | SocketOptions, listener?: MessageListener): Socket
  readonly prototype: Socket
}

export interface Socket extends BatchingSocket {}

export const Socket = ordinaryConstructor()

/** As node:dgram's. */
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
  // Sockets of Node's own code, received from another process say, are instances as well.
  Object.defineProperty(Socket, Symbol.hasInstance, {
    value(this: unknown, value: unknown) {
      const wanted = this === Socket ? NodeSocket : this
      return Reflect.apply(Function.prototype[Symbol.hasInstance], wanted, [value])
    },
  })
  Object.defineProperty(BatchingSocket.prototype, 'constructor', { value: Socket, writable: true, configurable: true })
  return Socket as unknown as SocketConstructor
}

/** Arguments without those at the end that are undefined: a tracer that replaces `send` counts them. */
function withoutTail(args: unknown[]): unknown[] {
  return args.slice(0, args.findLastIndex((value) => value !== undefined) + 1)
}

function isBytes(message: unknown): message is Bytes {
  if (message instanceof Uint8Array || typeof message === 'string') return true
  return Array.isArray(message) && message.every((piece) => piece instanceof Uint8Array || typeof piece === 'string')
}

/** A message that can be sent with a target, as bytes; undefined for anything else. */
function toBytes(message: unknown): Bytes | undefined {
  if (isBytes(message)) return message
  if (!ArrayBuffer.isView(message)) return undefined
  return new Uint8Array(message.buffer, message.byteOffset, message.byteLength)
}

function isTarget(value: unknown): value is SendTarget {
  return typeof value === 'object' && value !== null && Object.keys(value).some((key) => TARGET_KEYS.has(key))
}

const TARGET_KEYS = new Set(['port', 'address', 'ecn', 'tos', 'ttl', 'source', 'interfaceIndex'])
