import type * as dgram from 'node:dgram'
import type { BlockList } from 'node:net'
import type { AdoptOptions } from '../socket/conn-options.js'

/** node:dgram's options of Node 20 to 24, and some that batching and control messages add. */
export interface SocketOptions extends dgram.SocketOptions {
  /** SO_REUSEPORT, on every Node version. */
  reusePort?: boolean
  /** No `message` is made of datagrams from these addresses; on every Node version. */
  receiveBlockList?: BlockList
  /** Nothing is sent to these addresses (ERR_IP_BLOCKED); on every Node version. */
  sendBlockList?: BlockList
  /** Send runs of equal-sized messages to one peer as trains (UDP_SEGMENT). Default true. */
  gso?: boolean
  /** Receive trains whole (UDP_GRO); each datagram is still a message of its own. Default true. */
  gro?: boolean
  /** Tell `tos` and `ecn` in `rinfo`. */
  recvTos?: boolean
  /** Tell `ttl` in `rinfo`. */
  recvTtl?: boolean
  /** Tell `destination`, the local address, in `rinfo`. */
  recvDestination?: boolean
}

/** The part of a socket's options that is about how its descriptor is used. */
export function adoptOptions(options: SocketOptions): AdoptOptions {
  const { gso = true, gro = true, recvTos = false, recvTtl = false, recvDestination = false } = options
  return { gso, gro, recvTos, recvTtl, recvDestination }
}
