import type * as dgram from 'node:dgram'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { NetworkError } from '../socket/error-queue.js'
import type { RemoteInfo } from './receiver.js'

/** A Buffer over memory that is not shared, under the name that this version of @types/node has for it. */
export type OwnBuffer = ReturnType<typeof Buffer.alloc>

/** Events of a socket with their arguments: node:dgram's, and three more. */
export interface SocketEvents {
  message: [bytes: OwnBuffer, info: RemoteInfo]
  /** All datagrams of one system call, as views that are valid until the listener returns; `receiveBlockList` does not apply. */
  batch: [batch: RecvBatch]
  /** The network, or this host, has reported an error about a datagram that was sent (`recvErrors`). */
  networkError: [error: NetworkError]
  /** All messages that had to wait for the kernel have left. */
  drain: []
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
