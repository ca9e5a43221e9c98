import type { EventEmitter } from 'node:events'

/** Any function, callable with any arguments: half of the cases are invalid input. */
export type AnyFunction = (...args: never[]) => unknown

/** Exports of `node:dgram`, without types of arguments. */
export interface Dgram {
  createSocket(...args: unknown[]): Socket
  readonly Socket: { new (...args: unknown[]): Socket; (...args: unknown[]): void; prototype: object }
}

type Method = (...args: unknown[]) => unknown

/** A socket of the module under test, without types of arguments. */
export interface Socket extends EventEmitter {
  type: unknown
  bind(...args: unknown[]): this
  send(...args: unknown[]): undefined
  sendto: Method
  connect: Method
  disconnect: Method
  close(...args: unknown[]): this
  address(): Address
  remoteAddress(): Address
  ref(): this
  unref(): this
  setBroadcast: Method
  setTTL: Method
  setMulticastTTL: Method
  setMulticastLoopback: Method
  setMulticastInterface: Method
  addMembership: Method
  dropMembership: Method
  addSourceSpecificMembership: Method
  dropSourceSpecificMembership: Method
  setRecvBufferSize: Method
  setSendBufferSize: Method
  getRecvBufferSize(): number
  getSendBufferSize(): number
  getSendQueueSize(): number
  getSendQueueCount(): number
  [Symbol.asyncDispose](): Promise<void>
}

/** Address of a socket, or of the sender of a message. */
export interface Address {
  readonly address: string
  readonly family: string
  readonly port: number
}
