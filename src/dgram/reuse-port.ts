import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { BatchConn } from '../socket/batch-conn.js'
import type { NodeHandle } from './node-socket.js'

/**
 * Gives a handle a `bind` that shares its port (SO_REUSEPORT), for versions of Node whose own cannot: the descriptor is
 * made and bound here, and then the handle's.
 */
export function shareItsPort(handle: NodeHandle, family: Family): void {
  const { open } = handle
  handle.bind = (address, port, flags) => {
    try {
      const conn = BatchConn.open({ family, reusePort: true, reuseAddress: (flags & UV_UDP_REUSEADDR) !== 0 })
      try {
        if (family === 'ipv6') conn.options.ipv6Only = (flags & UV_UDP_IPV6ONLY) !== 0
        conn.bind({ address, port })
      } catch (error) {
        conn.close()
        throw error
      }
      return open.call(handle, conn.release())
    } catch (error) {
      // What is no error of the kernel's is an address of the other family.
      return error instanceof ErrnoError ? error.errno : -c.EINVAL
    }
  }
}

const UV_UDP_IPV6ONLY = 1
const UV_UDP_REUSEADDR = 4
