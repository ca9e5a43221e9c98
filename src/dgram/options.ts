import type * as dgram from 'node:dgram'
import type { BlockList } from 'node:net'
import * as validate from '../arguments/validate.js'
import type { AdoptOptions } from '../socket/conn-options.js'
import { type ReusePortOptions, type Steering, steeringOf } from '../socket/reuse-port.js'
import { MTU_DISCOVER, type MtuDiscover } from '../socket/socket-options.js'

/** Options of node:dgram in Node 20 to 26, and the extra options. */
export interface SocketOptions extends Omit<dgram.SocketOptions, 'reusePort'>, ExtraOptions {
  /** Set SO_REUSEPORT, and how to distribute datagrams over the sockets of the port. On every Node version. */
  reusePort?: boolean | ReusePortOptions
  /** Drop datagrams from these addresses. On every Node version. */
  receiveBlockList?: BlockList
  /** Reject messages to these addresses (ERR_IP_BLOCKED). On every Node version. */
  sendBlockList?: BlockList
}

/** Options that node:dgram does not have. Each applies when the socket is bound. */
export interface ExtraOptions {
  /** Send equal-sized messages to one peer by GSO (UDP_SEGMENT). Default true. */
  gso?: boolean
  /** Receive GRO buffers (UDP_GRO); each datagram is still one message. Default true. */
  gro?: boolean
  /** Report `tos` and `ecn` in `rinfo`. */
  recvTos?: boolean
  /** Report `ttl` in `rinfo`. */
  recvTtl?: boolean
  /** Report `destination`, the local address, and `interfaceIndex` and `interfaceName` in `rinfo`. */
  recvDestination?: boolean
  /** Report `timestampNs`, the time at which the kernel received the datagram, in `rinfo`. */
  recvTimestamps?: boolean
  /** Emit `networkError` for each ICMP or local error of a sent datagram (IP_RECVERR). */
  recvErrors?: boolean
  /** Count in `kernelDrops` the datagrams that the kernel drops because the receive buffer is full. */
  countDrops?: boolean
  /** Name of the only interface to use (SO_BINDTODEVICE). */
  bindToDevice?: string
  /** Value of IP_TOS or IPV6_TCLASS, 0 to 255. */
  tos?: number
  /** Value of IP_MTU_DISCOVER or IPV6_MTU_DISCOVER. Default: the system's. */
  mtuDiscover?: MtuDiscover
  /** Largest number of segments of a GSO send, 1 to 128. Default 64. */
  maxSegments?: number
  /** Maximum number of queued bytes; beyond it `send` fails with ENOBUFS. Default 16 MiB. */
  maxQueueBytes?: number
  /** Maximum number of queued messages; beyond it `send` fails with ENOBUFS. Default 16,384. */
  maxQueueMessages?: number
}

/** Validated extra options of one socket, with defaults. */
export interface Settings {
  /** Options of the descriptor. */
  readonly adopt: AdoptOptions
  /** True if `rinfo` has more than node:dgram's properties. */
  readonly needsDetails: boolean
  readonly recvErrors: boolean
  readonly reusePort: boolean | Steering
  readonly queue: QueueSettings
}

/** Options of the send queue. */
export interface QueueSettings {
  readonly maxSegments: number
  readonly maxQueueBytes: number
  readonly maxQueueMessages: number
}

/**
 * Validates the extra options, reading each once.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_UNKNOWN_OPTION`, RangeError `ERR_OUT_OF_RANGE`
 */
export function readSettings(options: SocketOptions): Settings {
  const flag = (name: keyof typeof FLAGS) => {
    const { [name]: value = FLAGS[name] } = options
    return validate.boolean(value, name)
  }
  const { bindToDevice, tos, mtuDiscover, reusePort, maxSegments = 64 } = options
  const { maxQueueBytes = MAX_QUEUE_BYTES, maxQueueMessages = MAX_QUEUE_MESSAGES } = options
  const adopt: AdoptOptions = {}
  for (const name of Object.keys(FLAGS) as (keyof typeof FLAGS)[]) adopt[name] = flag(name)
  // `false` leaves the descriptor's setting unchanged.
  if (adopt.recvErrors === false) delete adopt.recvErrors
  if (bindToDevice !== undefined) adopt.bindToDevice = validate.text(bindToDevice, 'bindToDevice')
  if (tos !== undefined) adopt.tos = validate.integer(tos, 'tos', 0, 255)
  if (mtuDiscover !== undefined) adopt.mtuDiscover = validate.oneOf(mtuDiscover, 'mtuDiscover', MTU_DISCOVER)
  const { recvTos, recvTtl, recvDestination, recvTimestamps, recvErrors } = adopt
  return {
    adopt,
    needsDetails: [recvTos, recvTtl, recvDestination, recvTimestamps].includes(true),
    recvErrors: recvErrors === true,
    // Node validates no other values.
    reusePort: typeof reusePort === 'object' && reusePort !== null ? steeringOf(reusePort) : reusePort === true,
    queue: {
      maxSegments: validate.integer(maxSegments, 'maxSegments', 1, 128),
      maxQueueBytes: validate.integer(maxQueueBytes, 'maxQueueBytes', 1, 2 ** 30),
      maxQueueMessages: validate.integer(maxQueueMessages, 'maxQueueMessages', 1, 2 ** 20),
    },
  }
}

const FLAGS = {
  gso: true,
  gro: true,
  recvTos: false,
  recvTtl: false,
  recvDestination: false,
  recvTimestamps: false,
  recvErrors: false,
  countDrops: false,
} as const satisfies Partial<Record<keyof AdoptOptions, boolean>>

/** Limits beyond which `send` fails as with a full kernel buffer. A short message takes a slot as well. */
const MAX_QUEUE_BYTES = 16 << 20
const MAX_QUEUE_MESSAGES = 16_384
