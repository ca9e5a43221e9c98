import type { Family } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { BatchConn } from '../socket/batch-conn.js'
import type { ReusePortOptions } from '../socket/reuse-port.js'
import type { NodeHandle } from './node-socket.js'

/**
 * Replaces a handle's `bind` with one that sets SO_REUSEPORT, for Node versions without `reusePort`, and for `steer`. The replacement creates
 * and binds a descriptor, and opens the handle on it.
 */
export function shareItsPort(handle: NodeHandle, family: Family, reusePort: boolean | ReusePortOptions): void {
  const { open } = handle
  handle.bind = (address, port, flags) => {
    try {
      const conn = BatchConn.open({ family, reusePort, reuseAddress: (flags & UV_UDP_REUSEADDR) !== 0 })
      try {
        if (family === 'ipv6') conn.options.ipv6Only = (flags & UV_UDP_IPV6ONLY) !== 0
        conn.bind({ address, port })
      } catch (error) {
        conn.close()
        throw error
      }
      return open.call(handle, conn.release())
    } catch (error) {
      // Any error other than the kernel's means an address of the wrong family.
      return error instanceof ErrnoError ? error.errno : -c.EINVAL
    }
  }
}

const UV_UDP_IPV6ONLY = 1
const UV_UDP_REUSEADDR = 4
