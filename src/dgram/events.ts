import type * as dgram from 'node:dgram'
import type { RecvBatch } from '../batch/recv-batch.js'
import type { NetworkError } from '../socket/error-queue.js'
import type { RemoteInfo } from './remote-info.js'

/** A Buffer over memory that is not shared, typed for the installed version of @types/node. */
export type OwnBuffer = ReturnType<typeof Buffer.alloc>

/** Events of a socket with their arguments: those of node:dgram, and three more. */
export interface SocketEvents {
  message: [bytes: OwnBuffer, info: RemoteInfo]
  /** All datagrams of one system call, as views valid until the listener returns. `receiveBlockList` does not apply. */
  batch: [batch: RecvBatch]
  /** The network or this host has reported an error of a sent datagram (`recvErrors`). */
  networkError: [error: NetworkError]
  /** All queued messages have been sent. */
  drain: []
  error: [error: Error]
  close: []
  connect: []
  listening: []
}

/** node:dgram's Socket, typed with these events. */
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
