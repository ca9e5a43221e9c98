import * as dgram from 'node:dgram'
import type * as options from './options.js'
import type * as info from './remote-info.js'
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
const all: { createSocket: typeof createSocket; Socket: typeof Socket } = module.exports

/** The types of the module as members of its default export: `dgram.Socket`. */
namespace all {
  export type Socket = socket.Socket
  export type SocketOptions = options.SocketOptions
  export type RemoteInfo = info.RemoteInfo
}

export default all

// Not enumerable, as in node:dgram, so that a loop over the exports does not return the module itself.
Reflect.defineProperty(module.exports, 'default', { enumerable: false })
