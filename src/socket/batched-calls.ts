import type { RecvSlots } from '../batch/recv-slots.js'
import { lastErrno } from '../libc/check.js'
import { EAGAIN, EINTR, ENOSYS, EPERM, MSG_DONTWAIT, MSG_NOSIGNAL } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { Address, Libc } from '../libc/libc.js'
import { Counters } from './counters.js'
import { log } from './diagnostics.js'
import type { FeatureStatus } from './feature-status.js'

/**
 * Send and receive calls of one socket: `sendmmsg` and `recvmmsg`, or loops of single calls if the system rejects those. A
 * kernel without them returns ENOSYS; a seccomp filter, as in containers, returns ENOSYS or EPERM.
 */
export class BatchedCalls {
  readonly counters: Counters
  readonly #libc: Libc
  readonly #fd: number
  readonly #headerBytes: number
  #sendRefusal: string | undefined
  #receiveRefusal: string | undefined
  #hasSent = false
  #hasReceived = false
  #refused = 0
  #strikes = 0
  #pendingErrno = 0

  constructor(libc: Libc, fd: number, counters = new Counters()) {
    this.counters = counters
    this.#libc = libc
    this.#fd = fd
    this.#headerBytes = libc.structs.mmsghdr.bytes
  }

  get status(): FeatureStatus {
    const refusals = [this.#sendRefusal, this.#receiveRefusal].filter((refusal) => refusal !== undefined)
    if (refusals.length === 0) return { available: true, reason: 'sendmmsg and recvmmsg are used' }
    return { available: false, reason: `${refusals.join('; ')}: one system call per message` }
  }

  /**
   * Sends `count` messages, starting with the header at `headers`.
   *
   * @returns number of messages that the kernel accepted, or a negative errno if the first one failed
   */
  send(headers: Address, count: number): number {
    // sendmmsg costs more than sendmsg for a single message.
    if (count === 1) return this.#sendOne(headers)
    if (this.#sendRefusal !== undefined) return this.#sendEach(headers, count)
    const result = this.#sendBatch(headers, count)
    if (result >= 0) {
      this.#hasSent = true
      return result
    }
    const errno = -result
    if (errno === ENOSYS) return this.#refuseSend(errno, headers, count)
    if (errno !== EPERM || this.#hasSent) return -errno
    // The first call on a new socket can fail once with EPERM; the caller retries.
    this.#refused += 1
    return this.#refused === 1 ? -errno : this.#sendDespite(headers, count)
  }

  /**
   * Receives up to `slots.capacity` datagrams.
   *
   * @returns number of datagrams, or a negative errno if there was none
   */
  receive(slots: RecvSlots): number {
    const { headersAddress: headers, capacity } = slots
    // recvmmsg costs more than recvmsg for a single datagram.
    if (capacity === 1 || this.#receiveRefusal !== undefined) return this.#receiveEach(slots)
    const result = this.#receiveBatch(headers, capacity)
    if (result >= 0) {
      this.#hasReceived = true
      return result
    }
    const errno = -result
    if (errno !== ENOSYS && (errno !== EPERM || this.#hasReceived)) return -errno
    this.#receiveRefusal = refusal('recvmmsg', errno)
    return this.#receiveEach(slots)
  }

  // A firewall also returns EPERM for one message (nftables drop in the output hook). The call itself is rejected only if
  // sendmsg accepts, several times, messages for which sendmmsg failed.
  #sendDespite(headers: Address, count: number): number {
    let sent = 0
    while (this.#strikes < EPERM_STRIKES) {
      const result = this.#sendOne(headers + sent * this.#headerBytes)
      if (result < 0) return sent > 0 ? sent : result
      sent += 1
      this.#strikes += 1
      if (sent === count) return sent
      const more = this.#sendBatch(headers + sent * this.#headerBytes, count - sent)
      if (more >= 0) {
        this.#hasSent = true
        return sent + more
      }
      if (more !== -EPERM) return sent
    }
    const more = this.#refuseSend(EPERM, headers + sent * this.#headerBytes, count - sent)
    return more < 0 ? (sent > 0 ? sent : more) : sent + more
  }

  #refuseSend(errno: number, headers: Address, count: number): number {
    this.#sendRefusal = refusal('sendmmsg', errno)
    return this.#sendEach(headers, count)
  }

  #sendBatch(headers: Address, count: number): number {
    const sent = this.#libc.sendmmsg(this.#fd, headers, count, SEND_FLAGS)
    const result = sent < 0 ? -lastErrno() : sent
    this.counters.sendCall(result)
    return result
  }

  #sendOne(header: Address): number {
    const result = this.#libc.sendmsg(this.#fd, header, SEND_FLAGS) < 0 ? -lastErrno() : 1
    this.counters.sendCall(result)
    return result
  }

  #sendEach(headers: Address, count: number): number {
    for (let sent = 0; sent < count; sent += 1) {
      const result = this.#sendOne(headers + sent * this.#headerBytes)
      // As with sendmmsg, the error is reported by the next call, which starts at the failed message.
      if (result < 0) return sent > 0 ? sent : result
    }
    return count
  }

  #receiveBatch(headers: Address, capacity: number): number {
    // No timeout: the kernel checks it only after each datagram (recvmmsg(2), BUGS).
    const received = this.#libc.recvmmsg(this.#fd, headers, capacity, MSG_DONTWAIT, 0)
    const result = received < 0 ? -lastErrno() : received
    this.counters.receiveCall(result)
    return result
  }

  #receiveEach(slots: RecvSlots): number {
    if (this.#pendingErrno !== 0) {
      const errno = this.#pendingErrno
      this.#pendingErrno = 0
      return -errno
    }
    for (let slot = 0; slot < slots.capacity; slot += 1) {
      const header = slots.headersAddress + slot * this.#headerBytes
      const byteLength = this.#libc.recvmsg(this.#fd, header, MSG_DONTWAIT)
      const errno = byteLength < 0 ? lastErrno() : 0
      this.counters.receiveCall(errno === 0 ? 1 : -errno)
      if (errno !== 0) {
        if (slot === 0) return -errno
        // As with recvmmsg, an error after the first datagram is reported by the next call.
        if (errno !== EAGAIN && errno !== EINTR) this.#pendingErrno = errno
        return slot
      }
      slots.writeLength(slot, byteLength)
    }
    return slots.capacity
  }
}

function refusal(call: string, errno: number): string {
  const reason = `the system rejects ${call} (${new ErrnoError(errno, call).code})`
  log('%s: one system call per message', reason)
  return reason
}

const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL

const EPERM_STRIKES = 3
