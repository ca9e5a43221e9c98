import { EAGAIN, EINTR } from '../../src/libc/constants.js'
import type { Stored } from './incoming.js'
import type { ReceiveObserver } from './receive-kernel.js'
import { expect } from './violation.js'

/** An error that a call returned. */
export interface OwedError {
  readonly errno: number
  /** True if it occurred after a datagram of the same `recv`, which can then only return a count. */
  isDelayed: boolean
}

/** Record of the kernel's answers in one `recv` or `errors`, and of errors that no `recv` has thrown yet. */
export class ReceiveModel implements ReceiveObserver {
  readonly tally: ReceiveTally
  /** Datagrams stored since `begin`. */
  datagrams: Stored[] = []
  calls = 0
  interruptions = 0
  failures = 0
  /** Calls of recvmmsg while the system rejects it. */
  missingCalls = 0
  errorQueueReads = 0
  /** Entries that the error queue returned since `begin`. */
  entries = 0
  /** Per descriptor: errors that a call returned, and that no `recv` has thrown yet. */
  readonly #owed = new Map<number, OwedError[]>()
  /** Per descriptor: entries of the error queue that `errors` must return. */
  readonly #kept = new Map<number, Stored[]>()

  constructor(tally: ReceiveTally) {
    this.tally = tally
  }

  begin(): void {
    this.datagrams = []
    this.calls = 0
    this.interruptions = 0
    this.failures = 0
    this.missingCalls = 0
    this.errorQueueReads = 0
    this.entries = 0
    for (const owed of this.#owed.values()) for (const error of owed) error.isDelayed = false
  }

  called(): void {
    this.calls += 1
    expect(this.calls <= ENDLESS_CALLS, () => `recv does not end: ${this.calls} system calls`)
  }

  stored(_fd: number, datagram: Stored): void {
    this.datagrams.push(datagram)
  }

  failed(fd: number, errno: number): void {
    if (errno === EINTR) this.interruptions += 1
    else this.failures += 1
    if (errno === EAGAIN || errno === EINTR || errno === 0) return
    listOf(this.#owed, fd).push({ errno, isDelayed: this.datagrams.length > 0 })
  }

  missing(): void {
    this.missingCalls += 1
  }

  errorQueueRead(fd: number, entry: Stored | undefined): void {
    this.errorQueueReads += 1
    expect(this.errorQueueReads <= ENDLESS_CALLS, () => 'reading the error queue does not end')
    if (entry === undefined) return
    this.entries += 1
    listOf(this.#kept, fd).push(entry)
  }

  owed(fd: number): OwedError[] {
    return listOf(this.#owed, fd)
  }

  kept(fd: number): Stored[] {
    return listOf(this.#kept, fd)
  }
}

/** Counts of the events of a run. A test checks that each occurred. */
export interface ReceiveTally {
  datagrams: number
  errors: number
  splitBuffers: number
  networkErrors: number
}

export function newReceiveTally(): ReceiveTally {
  return { datagrams: 0, errors: 0, splitBuffers: 0, networkErrors: 0 }
}

/**
 * Number of calls that ends an endless loop in the library: the limits of `receive-rules.ts` are checked only after the
 * call.
 */
const ENDLESS_CALLS = 10_000

function listOf<T>(map: Map<number, T[]>, key: number): T[] {
  const known = map.get(key)
  if (known !== undefined) return known
  const made: T[] = []
  map.set(key, made)
  return made
}
