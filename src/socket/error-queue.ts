import { getSystemErrorName } from 'node:util'
import { RecvBatch } from '../batch/recv-batch.js'
import { type Endpoint, endpointFromSockaddr } from '../endpoint/endpoint.js'
import { ControlCursor } from '../layout/control.js'
import { lastErrno } from '../libc/check.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { Libc } from '../libc/libc.js'
import { structs } from '../libc/structs.js'

/** Error that the network or this host has reported about a sent datagram (IP_RECVERR, ip(7)). */
export interface NetworkError {
  /** Error code, such as `ECONNREFUSED`, `EHOSTUNREACH` or `EMSGSIZE`. */
  readonly code: string
  /** Negative errno, as in Node's system errors. */
  readonly errno: number
  /** Origin of the report: this host, or ICMP. */
  readonly origin: 'local' | 'icmp' | 'icmp6' | 'other'
  /** Type and code of the ICMP message. */
  readonly icmpType: number
  readonly icmpCode: number
  /** Address of the host that reported the error. */
  readonly offender: Endpoint | undefined
  /** Destination of the datagram. */
  readonly destination: Endpoint | undefined
  /** For EMSGSIZE: MTU of the path, in bytes. */
  readonly mtu: number | undefined
  /** Start of the datagram's payload, as far as the report contains it. */
  readonly payload: Buffer
}

/** Error queue of a socket. */
export class ErrorQueue {
  /** True if errors are kept for `take`; otherwise they are read and discarded. */
  readonly isEnabled: boolean
  readonly #libc: Libc
  readonly #fd: number
  #inbox: RecvBatch | undefined
  #hasEvent = false
  #kept: NetworkError[] = []

  constructor(libc: Libc, fd: number, isEnabled: boolean) {
    this.#libc = libc
    this.#fd = fd
    this.isEnabled = isEnabled
  }

  /** True if the queue may contain errors. */
  get isDue(): boolean {
    return this.isEnabled || this.#hasEvent
  }

  /**
   * Records an error event of the descriptor. IP_RECVERR may have been set by the descriptor's former owner, or by another
   * process that shares it.
   */
  noteEvent(): void {
    this.#hasEvent = true
  }

  /** Returns the errors since the last call, oldest first. */
  take(): NetworkError[] {
    this.drain()
    const taken = this.#kept
    this.#kept = []
    return taken
  }

  /**
   * Empties the kernel's queue, whose errors would otherwise fail sends and receives one after the other.
   *
   * @param errno - positive errno of a failed call
   * @returns 'local' if this host itself reported `errno`
   */
  drain(errno?: number): 'empty' | 'network' | 'local' {
    this.#hasEvent = false
    let found: 'empty' | 'network' | 'local' = 'empty'
    for (let count = 0; count < MAX_READS; count += 1) {
      const next = this.#read()
      if (next === undefined) return found
      if (next.origin === 'local' && next.errno === -(errno ?? 0)) found = 'local'
      else if (found === 'empty') found = 'network'
      if (this.isEnabled && this.#kept.length < MAX_KEPT) this.#kept.push(next)
    }
    this.#hasEvent = true
    return found
  }

  #read(): NetworkError | undefined {
    this.#inbox ??= new RecvBatch({ capacity: 1, slotBytes: 2048 })
    const { slots } = this.#inbox
    slots.prepare()
    const byteLength = this.#libc.recvmsg(this.#fd, slots.headersAddress, c.MSG_ERRQUEUE | c.MSG_DONTWAIT)
    if (byteLength < 0) {
      const errno = lastErrno()
      if (errno === c.EINTR) return this.#read()
      if (errno === c.EAGAIN) return undefined
      throw new ErrnoError(errno, 'recvmsg')
    }
    slots.writeLength(0, byteLength)
    slots.fill(1)
    return describe(this.#inbox)
  }
}

function describe(inbox: RecvBatch): NetworkError {
  const { slots } = inbox
  const { sockExtendedErr: layout } = structs()
  const report = findReport(inbox)
  const at = report.offset
  const read = (offset: number) => (at < 0 ? 0 : slots.view.getUint8(at + offset))
  const errno = at < 0 ? 0 : slots.view.getUint32(at + layout.errno, true)
  const info = at < 0 ? 0 : slots.view.getUint32(at + layout.info, true)
  const offenderAt = at + layout.bytes
  const offenderBytes = report.byteLength - layout.bytes
  return {
    code: errno === 0 ? 'UNKNOWN' : getSystemErrorName(-errno),
    errno: -errno,
    origin: ORIGINS[read(layout.origin)] ?? 'other',
    icmpType: read(layout.type),
    icmpCode: read(layout.code),
    offender: at < 0 ? undefined : endpointFromSockaddr(slots.view, offenderAt, offenderBytes),
    destination: inbox.source(0),
    mtu: errno === c.EMSGSIZE ? info : undefined,
    payload: Buffer.from(inbox.bytes(0)),
  }
}

/** Finds the sock_extended_err, after which the offender's sockaddr follows. */
function findReport({ slots }: RecvBatch): { offset: number; byteLength: number } {
  const cursor = new ControlCursor(slots.view)
  cursor.reset(slots.controlOffset(0), slots.controlLength(0))
  while (cursor.next()) {
    const isReport =
      (cursor.level === c.IPPROTO_IP && cursor.type === c.IP_RECVERR) ||
      (cursor.level === c.IPPROTO_IPV6 && cursor.type === c.IPV6_RECVERR)
    if (isReport && cursor.dataBytes >= structs().sockExtendedErr.bytes) {
      return { offset: cursor.dataOffset, byteLength: cursor.dataBytes }
    }
  }
  return { offset: -1, byteLength: 0 }
}

const ORIGINS: Record<number, NetworkError['origin']> = {
  [c.SO_EE_ORIGIN_LOCAL]: 'local',
  [c.SO_EE_ORIGIN_ICMP]: 'icmp',
  [c.SO_EE_ORIGIN_ICMP6]: 'icmp6',
}

/** Maximum number of stored errors, in case `take` is never called. Newer ones are discarded. */
const MAX_KEPT = 1024

/** Maximum number of errors read per call, because they can arrive as fast as they are read. */
const MAX_READS = 1024
