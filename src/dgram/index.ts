import * as dgram from 'node:dgram'
import * as socket from './socket.js'

export type { SendTarget } from './batched-socket.js'
export type { SendCallback } from './completion.js'
export type { OwnBuffer, SocketEvents } from './events.js'
export type { SocketOptions } from './options.js'
export type { RemoteInfo } from './remote-info.js'
export type { MessageListener, Sendable, SocketConstructor } from './socket.js'
export type { DgramStats } from './stats.js'

// Constants instead of `export from`, which compiles to getters: a stub or mock that replaces an export would have no
// effect and no error.
export const createSocket = socket.createSocket
export const Socket = socket.Socket
export type Socket = socket.Socket

/** Node's own function. @internal */
export const _createSocketHandle: unknown = Reflect.get(dgram, '_createSocketHandle')

/** The module itself, like the default export of node:dgram. */
export default module.exports as { createSocket: typeof createSocket; Socket: typeof Socket }

// Not enumerable, as in node:dgram, so that a loop over the exports does not return the module itself.
Reflect.defineProperty(module.exports, 'default', { enumerable: false })
