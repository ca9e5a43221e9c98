import { getSystemErrorName } from 'node:util'
import { typeError } from '../arguments/errors.js'
import { RecvBatch } from '../batch/recv-batch.js'
import { type Endpoint, endpointFromSockaddr } from '../endpoint/endpoint.js'
import { ErrorReport } from '../layout/error-report.js'
import { lastErrno } from '../libc/check.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { Libc } from '../libc/libc.js'

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

/** Receives the completions of zero-copy sends, ranges of 32-bit ids. */
export interface Completions {
  readonly inFlight: number
  complete(first: number, last: number, isCopied: boolean): void
  /** Called if completions may have been read and not recorded. */
  lose(reason: string): void
}

/** Error queue of a socket. It contains network errors, and the completions of zero-copy sends. */
export class ErrorQueue {
  /** True if errors are kept for `take`; otherwise they are read and discarded. */
  readonly isEnabled: boolean
  readonly #libc: Libc
  readonly #fd: number
  readonly #completions: Completions | undefined
  #inbox: Inbox | undefined
  #isSingle: boolean
  #hasEvent = false
  #kept: NetworkError[] = []

  constructor(libc: Libc, fd: number, isEnabled: boolean, completions?: Completions) {
    this.#libc = libc
    this.#fd = fd
    this.isEnabled = isEnabled
    this.#completions = completions
    this.#isSingle = completions === undefined
  }

  /** True if the queue may contain something. */
  get isDue(): boolean {
    return this.isEnabled || this.#hasEvent || (this.#completions?.inFlight ?? 0) > 0
  }

  /**
   * Records an error event of the descriptor. IP_RECVERR may have been set by the descriptor's former owner, or by another
   * process that shares it.
   */
  noteEvent(): void {
    this.#hasEvent = true
  }

  /** Returns the errors since the last call, oldest first. @throws TypeError `ERR_INVALID_STATE` */
  take(): NetworkError[] {
    if (!this.isEnabled) {
      throw typeError('ERR_INVALID_STATE', 'takeErrors() requires a socket opened with recvErrors: true')
    }
    this.drain()
    const taken = this.#kept
    this.#kept = []
    return taken
  }

  /**
   * Empties the kernel's queue, whose errors would otherwise fail sends and receives one after the other.
   *
   * @param errno - positive errno of a failed call
   * @returns 'local' if this host itself reported `errno`; 'empty' if there was no network error
   */
  drain(errno?: number): 'empty' | 'network' | 'local' {
    this.#hasEvent = false
    let found: 'empty' | 'network' | 'local' = 'empty'
    for (let total = 0; total < MAX_READS; ) {
      const inbox = this.#read()
      const count = inbox?.batch.length ?? 0
      for (let slot = 0; inbox !== undefined && slot < count; slot += 1) {
        const next = this.#note(inbox, slot)
        if (next?.origin === 'local' && next.errno === -(errno ?? 0)) found = 'local'
        else if (next !== undefined && found === 'empty') found = 'network'
      }
      inbox?.batch.slots.done()
      if (inbox === undefined || count < inbox.batch.capacity) return found
      total += count
    }
    this.#hasEvent = true
    return found
  }

  /** Returns the network error in a slot, which is kept; undefined for a completion. */
  #note(inbox: Inbox, slot: number): NetworkError | undefined {
    const { batch, report } = inbox
    report.find(batch.slots.controlOffset(slot), batch.slots.controlLength(slot))
    if (report.origin === c.SO_EE_ORIGIN_ZEROCOPY) {
      this.#completions?.complete(report.info, report.data, report.code === c.SO_EE_CODE_ZEROCOPY_COPIED)
      return undefined
    }
    const next = describe(inbox, slot)
    if (this.isEnabled && this.#kept.length < MAX_KEPT) this.#kept.push(next)
    return next
  }

  /** Reads the next entries, many at once where completions are expected. Undefined if the queue is empty. */
  #read(): Inbox | undefined {
    const inbox = this.#ready()
    const { slots } = inbox.batch
    if (slots.isReceiving) this.#completions?.lose('the execution was terminated while completions were read')
    slots.prepare()
    const address = slots.headersAddress
    const result = this.#isSingle
      ? this.#libc.recvmsg(this.#fd, address, READ_FLAGS)
      : this.#libc.recvmmsg(this.#fd, address, slots.capacity, READ_FLAGS, 0)
    if (result >= 0) {
      if (this.#isSingle) slots.writeLength(0, result)
      slots.fill(this.#isSingle ? 1 : result)
      return inbox
    }
    const errno = lastErrno()
    slots.done()
    if (errno === c.EINTR) return this.#read()
    if (errno === c.EAGAIN) return undefined
    if (this.#isSingle || (errno !== c.ENOSYS && errno !== c.EPERM)) throw new ErrnoError(errno, 'recvmsg')
    // The system rejects recvmmsg.
    this.#isSingle = true
    this.#inbox = undefined
    return this.#read()
  }

  #ready(): Inbox {
    if (this.#inbox === undefined) {
      const batch = new RecvBatch({ capacity: this.#isSingle ? 1 : READS_PER_CALL, slotBytes: 2048 })
      this.#inbox = { batch, report: new ErrorReport(batch.slots.view) }
    }
    return this.#inbox
  }
}

interface Inbox {
  readonly batch: RecvBatch
  readonly report: ErrorReport
}

function describe({ batch, report }: Inbox, slot: number): NetworkError {
  const { errno } = report
  return {
    code: errno === 0 ? 'UNKNOWN' : getSystemErrorName(-errno),
    errno: -errno,
    origin: ORIGINS[report.origin] ?? 'other',
    icmpType: report.type,
    icmpCode: report.code,
    offender: report.isFound
      ? endpointFromSockaddr(batch.slots.view, report.offenderOffset, report.offenderBytes)
      : undefined,
    destination: batch.source(slot),
    mtu: errno === c.EMSGSIZE ? report.info : undefined,
    payload: Buffer.from(batch.bytes(slot)),
  }
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

/** Number of entries per call. The kernel merges most completions, so few are waiting. */
const READS_PER_CALL = 16

const READ_FLAGS = c.MSG_ERRQUEUE | c.MSG_DONTWAIT
