import type * as dgram from 'node:dgram'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { RemoteInfo } from './receiver.js'

/** A Buffer over memory that is not shared, under the name that this version of @types/node has for it. */
export type OwnBuffer = ReturnType<typeof Buffer.alloc>

/** What a socket emits, and with what: node:dgram's events, and `batch`. */
export interface SocketEvents {
  message: [bytes: OwnBuffer, info: RemoteInfo]
  /** All that one call brought, as views that are good until the listener returns; `receiveBlockList` is not looked at. */
  batch: [batch: RecvBatch]
  error: [error: Error]
  close: []
  connect: []
  listening: []
}

/** node:dgram's Socket with these events in its types. */
export interface EventfulSocket extends dgram.Socket {
  on<Name extends keyof SocketEvents>(event: Name, listener: (...args: SocketEvents[Name]) => void): this
  on(event: string | symbol, listener: (...args: never[]) => void): this
  once<Name extends keyof SocketEvents>(event: Name, listener: (...args: SocketEvents[Name]) => void): this
  once(event: string | symbol, listener: (...args: never[]) => void): this
  addListener<Name extends keyof SocketEvents>(event: Name, listener: (...args: SocketEvents[Name]) => void): this
  addListener(event: string | symbol, listener: (...args: never[]) => void): this
  prependListener<Name extends keyof SocketEvents>(event: Name, listener: (...args: SocketEvents[Name]) => void): this
  prependListener(event: string | symbol, listener: (...args: never[]) => void): this
  prependOnceListener<Name extends keyof SocketEvents>(
    event: Name,
    listener: (...args: SocketEvents[Name]) => void,
  ): this
  prependOnceListener(event: string | symbol, listener: (...args: never[]) => void): this
}
