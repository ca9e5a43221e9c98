import * as dgram from 'node:dgram'
import * as socket from './socket.js'

export type { SendTarget } from './batched-socket.js'
export type { SendCallback } from './completion.js'
export type { OwnBuffer, SocketEvents } from './events.js'
export type { SocketOptions } from './options.js'
export type { RemoteInfo } from './receiver.js'
export type { MessageListener, Sendable, SocketConstructor } from './socket.js'

// Constants and not `export from`: that compiles to getters, and an export that is replaced (by a stub or a mock) would
// silently stay the same.
export const createSocket = socket.createSocket
export const Socket = socket.Socket
export type Socket = socket.Socket

/** node:dgram's own. @internal */
export const _createSocketHandle: unknown = Reflect.get(dgram, '_createSocketHandle')

/** The module itself, as node:dgram's default export is. */
export default module.exports as { createSocket: typeof createSocket; Socket: typeof Socket }

// As in node:dgram, where a loop over the exports does not meet the module itself.
Reflect.defineProperty(module.exports, 'default', { enumerable: false })
