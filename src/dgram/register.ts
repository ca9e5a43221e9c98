import { syncBuiltinESMExports } from 'node:module'
import { batchingSupport } from '../probe/batching.js'
import { log } from '../socket/diagnostics.js'
import { createSocket, Socket } from './index.js'

/**
 * Makes node:dgram create batching sockets, for CommonJS and ES modules: `node --require batchconn/register app.js`, or
 * `--import`. Named imports made earlier (`import { createSocket } from 'node:dgram'`) change as well; functions that the
 * program has stored in variables do not.
 *
 * Loading this module calls it, unless the environment variable BATCHCONN_REGISTER is `off`.
 */
export function register(): void {
  replace({ createSocket, Socket })
}

/** Undoes `register`: sockets created later are Node's own. Existing sockets keep batching. */
export function unregister(): void {
  replace(original)
}

function replace(functions: DgramFunctions): void {
  Object.assign(dgram, functions)
  syncBuiltinESMExports()
}

interface DgramFunctions {
  readonly createSocket: unknown
  readonly Socket: unknown
}

// The module object itself: a namespace import compiles to a copy of it.
const dgram = require('node:dgram') as DgramFunctions
const original: DgramFunctions = { createSocket: dgram.createSocket, Socket: dgram.Socket }

if (process.env.BATCHCONN_REGISTER === 'off') {
  log('register: BATCHCONN_REGISTER is off; node:dgram is unchanged')
} else {
  register()
  if (log.enabled) {
    const { available, reason } = batchingSupport()
    log('register: node:dgram creates batching sockets; batching is %s: %s', available ? 'on' : 'off', reason)
  }
}
