import type { RecvBatch } from '../batch/recv-batch.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import { interfaceName } from '../endpoint/numeric-address.js'

/** Properties of a datagram. The first four are those of node:dgram; the others are present if an option enables them. */
export interface RemoteInfo {
  address: string
  family: 'IPv4' | 'IPv6'
  port: number
  size: number
  /** Type-of-service (TOS) or traffic class byte (`recvTos`). */
  tos?: number
  /** The two ECN bits of `tos`. */
  ecn?: number
  /** Hops left on arrival (`recvTtl`). */
  ttl?: number
  /** Local address to which the datagram was sent (`recvDestination`). */
  destination?: string
  /** Index of the interface on which it arrived (`recvDestination`). */
  interfaceIndex?: number
  /** Name of that interface; its index as text if the interface no longer exists. */
  interfaceName?: string
  /** Time at which the kernel received it, in nanoseconds since 1970 (`recvTimestamps`). */
  timestampNs?: bigint
}

/** Returns node:dgram's properties of a datagram. */
export function describe(source: Endpoint | undefined, size: number): RemoteInfo {
  return {
    address: source?.address ?? '',
    family: source?.family === 'ipv6' ? 'IPv6' : 'IPv4',
    port: source?.port ?? 0,
    size,
  }
}

/** Adds the properties that options enable, of slot `index`. */
export function addDetails(info: RemoteInfo, batch: RecvBatch, index: number): void {
  const interfaceIndex = batch.interfaceIndex(index)
  const details = {
    tos: batch.tos(index),
    ecn: batch.ecn(index),
    ttl: batch.ttl(index),
    destination: batch.destination(index),
    interfaceIndex,
    interfaceName: interfaceIndex === undefined ? undefined : interfaceName(interfaceIndex),
    timestampNs: batch.timestampNs(index),
  }
  Object.assign(info, Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)))
}
