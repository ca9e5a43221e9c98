import { EAGAIN, EINTR, type ENOSYS, EPERM, MSG_DONTWAIT, MSG_ERRQUEUE } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { MMSGHDR } from './abi.js'
import { ArmedHeaders } from './armed-headers.js'
import { type Arrival, type Stored, store } from './incoming.js'
import type { RegisteredMemory } from './registered-memory.js'
import { expect } from './violation.js'

/** Next answer of a socket: a datagram, an errno, or 0 for a return value of 0. */
export type Incoming = Arrival | number

/** Answers of the receiving calls. When a list is used up, the answer is EAGAIN. */
export interface ReceiveScript {
  /** Errno of every recvmmsg; 0 if recvmmsg works. */
  readonly recvmmsg: 0 | typeof ENOSYS | typeof EPERM
  readonly incoming: Incoming[]
  /** The error queue (MSG_ERRQUEUE). */
  readonly errorQueue: Incoming[]
}

/** Records the datagrams and errors that the kernel returns. */
export interface ReceiveObserver {
  called(fd: number): void
  stored(fd: number, datagram: Stored): void
  /** A call failed with this errno; 0 if it returned 0 without a datagram. */
  failed(fd: number, errno: number): void
  /** recvmmsg itself is rejected. */
  missing(): void
  errorQueueRead(fd: number, entry: Stored | undefined): void
}

export const UNOBSERVED: ReceiveObserver = {
  called: () => {},
  stored: () => {},
  failed: () => {},
  missing: () => {},
  errorQueueRead: () => {},
}

/** Scripted recvmsg(2) and recvmmsg(2). */
export class ReceiveKernel {
  script: ReceiveScript
  /** Slot size of the current batch. */
  slotBytes: number | undefined
  readonly #memory: RegisteredMemory
  readonly #armed: ArmedHeaders
  readonly #observer: ReceiveObserver

  constructor(memory: RegisteredMemory, script: ReceiveScript, observer: ReceiveObserver = UNOBSERVED) {
    this.#memory = memory
    this.#armed = new ArmedHeaders(memory)
    this.script = script
    this.#observer = observer
  }

  recvmsg(fd: number, header: number, flags: number): number {
    if (flags === (MSG_ERRQUEUE | MSG_DONTWAIT)) return this.#readErrorQueue(fd, header)
    expect(flags === MSG_DONTWAIT, () => `flags of recvmsg are 0x${flags.toString(16)}`)
    this.#observer.called(fd)
    const [buffers] = this.#armed.read(header, 1, this.slotBytes)
    const next = this.script.incoming.shift() ?? EAGAIN
    if (typeof next === 'number') return this.#fail(fd, next === 0 ? EAGAIN : next)
    const stored = store(this.#memory, header, buffers, next)
    this.#observer.stored(fd, stored)
    return stored.length
  }

  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number {
    expect(flags === MSG_DONTWAIT && timeout === 0, () => `recvmmsg has flags 0x${flags.toString(16)} and ${timeout}`)
    this.#observer.called(fd)
    const all = this.#armed.read(headers, count, this.slotBytes)
    const { incoming, recvmmsg } = this.script
    if (recvmmsg !== 0) {
      this.#observer.missing()
      libc().errno[0] = recvmmsg
      return -1
    }
    for (const [index, buffers] of all.entries()) {
      const next = incoming[0] ?? EAGAIN
      if (typeof next === 'number') {
        // An error after the first datagram is kept for the next call (recvmmsg(2)).
        if (index === 0 || next === EAGAIN || next === EINTR || next === 0) incoming.shift()
        return index > 0 ? index : this.#fail(fd, next)
      }
      incoming.shift()
      const header = headers + index * MMSGHDR.bytes
      const stored = store(this.#memory, header, buffers, next)
      this.#memory.writeWord(header + MMSGHDR.length, stored.length, 'msg_len')
      this.#observer.stored(fd, stored)
    }
    return count
  }

  #readErrorQueue(fd: number, header: number): number {
    const [buffers] = this.#armed.read(header, 1, undefined)
    const next = this.script.errorQueue.shift() ?? EAGAIN
    if (typeof next === 'number') {
      this.#observer.errorQueueRead(fd, undefined)
      libc().errno[0] = next
      return -1
    }
    const stored = store(this.#memory, header, buffers, next)
    this.#observer.errorQueueRead(fd, stored)
    return stored.length
  }

  #fail(fd: number, errno: number): number {
    this.#observer.failed(fd, errno)
    libc().errno[0] = errno === 0 ? EPERM : errno
    return errno === 0 ? 0 : -1
  }
}
