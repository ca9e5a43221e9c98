import { createSocket, Socket } from './socket.js'

export type { SendCallback } from './completion.js'
export type { OwnBuffer, SocketEvents } from './events.js'
export type { SocketOptions } from './options.js'
export type { RemoteInfo } from './receiver.js'
export type { Sendable, SendTarget } from './socket.js'
export { createSocket, Socket }

/** The same as node:dgram's default export. */
export default { createSocket, Socket }
