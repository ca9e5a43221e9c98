import type { Endpoint, FeatureStatus } from '../../src/index.js'

/**
 * Statistics of all streams that arrive, announced or not. Streams are few and datagrams many, so the stream of the previous
 * datagram is tried first.
 */
export class Streams {
  readonly #streams = new Map<number, StreamStatistics>()
  readonly #closed = new Set<number>()
  readonly #onFound: (statistics: StreamStatistics) => void
  #last: StreamStatistics | undefined

  /** @param onFound - called for each stream that was not announced */
  constructor(onFound: (statistics: StreamStatistics) => void = () => {}) {
    this.#onFound = onFound
  }

  open(stream: number): StreamStatistics {
    const statistics = new StreamStatistics(stream)
    this.#closed.delete(stream)
    this.#streams.set(stream, statistics)
    this.#last = undefined
    return statistics
  }

  /** Returns a datagram's stream; undefined if it is closed, or if there are too many streams. */
  of(stream: number): StreamStatistics | undefined {
    if (this.#last?.stream === stream) return this.#last
    const known = this.#streams.get(stream)
    if (known !== undefined) {
      this.#last = known
      return known
    }
    if (stream === NO_STREAM || this.#closed.has(stream) || this.#streams.size >= MAX_STREAMS) return undefined
    const statistics = this.open(stream)
    this.#onFound(statistics)
    return statistics
  }

  /** Closes a stream: datagrams that arrive later are ignored. */
  close(statistics: StreamStatistics): void {
    this.#streams.delete(statistics.stream)
    if (this.#last === statistics) this.#last = undefined
    if (statistics.stream === UNNUMBERED) return
    this.#closed.add(statistics.stream)
    const [oldest] = this.#closed
    if (this.#closed.size > MAX_CLOSED) this.#closed.delete(oldest)
  }
}

/** Not used by any sender: test datagrams have it. */
const NO_STREAM = 0
/** The stream of datagrams without a header. There is one at a time: they do not name their stream. */
export const UNNUMBERED = -1

/** Other traffic has arbitrary bytes where the stream number is, and the statistics of a stream take 128 KiB. */
const MAX_STREAMS = 64
const MAX_CLOSED = 1024

/** Statistics of one received stream, from the headers of its datagrams. */
export class StreamStatistics {
  readonly stream: number
  /** The receiver sends each datagram back. */
  isEchoed = false
  /** Number of distinct datagrams received, and their bytes. */
  delivered = 0
  bytes = 0
  /** Delivered datagrams that arrived after a higher sequence number. */
  reordered = 0
  /** Arrivals of datagrams that had been delivered before. */
  duplicated = 0
  /** Arrivals too late to be distinguished from duplicates; they count as lost. */
  outdated = 0
  /** Datagrams that were longer than the slot. */
  truncated = 0
  /** Receive calls that returned datagrams of the stream. */
  calls = 0
  firstArrivalMs = 0
  lastArrivalMs = 0
  /** Smoothed difference between the transit times of successive datagrams (RFC 3550, 6.4.1). */
  jitterMicroseconds = 0
  readonly #window = new SequenceWindow()
  #first = 0
  #lastTransit = 0

  constructor(stream: number) {
    this.stream = stream
  }

  get arrived(): number {
    return this.delivered + this.duplicated + this.outdated
  }

  /** The highest sequence number received; -1 before the first. */
  get highest(): number {
    return this.#window.highest
  }

  /**
   * Returns how many of the `sent` datagrams are missing. By default, `sent` is derived from the sequence numbers. They start at
   * 0; a stream whose first number is beyond the window was already running, and counts from that number on.
   */
  lost(sent: number = this.highest + 1 - (this.#first < LATE_START ? 0 : this.#first)): number {
    return Math.max(0, sent - this.delivered)
  }

  /** Records one datagram. Both times are microseconds modulo 2^32, on clocks that may differ. */
  record(sequence: number, sentMicroseconds: number, arrivedMicroseconds: number, byteLength: number): void {
    if (this.highest < 0) this.#first = sequence
    const arrival = this.#window.note(sequence)
    if (arrival === 'duplicate') {
      this.duplicated += 1
      return
    }
    if (arrival === 'outdated') {
      this.outdated += 1
      return
    }
    if (arrival === 'reordered') this.reordered += 1
    const transit = (arrivedMicroseconds - sentMicroseconds) | 0
    if (this.delivered > 0) {
      const difference = Math.abs((transit - this.#lastTransit) | 0)
      this.jitterMicroseconds += (difference - this.jitterMicroseconds) / 16
    }
    this.#lastTransit = transit
    this.delivered += 1
    this.bytes += byteLength
  }

  /** Records one datagram without a header: it is only counted. */
  recordUnnumbered(byteLength: number): void {
    this.delivered += 1
    this.bytes += byteLength
  }

  /** Records that a system call returned datagrams of the stream. */
  noteCall(nowMs: number): void {
    if (this.calls === 0) this.firstArrivalMs = nowMs
    // Streams may alternate within a call.
    if (nowMs !== this.lastArrivalMs) this.calls += 1
    this.lastArrivalMs = nowMs
  }
}

/** The size of the window. */
const LATE_START = 2 ** 20

export type Arrival = 'next' | 'reordered' | 'duplicate' | 'outdated'

/**
 * Distinguishes new sequence numbers from duplicate and late ones, with one bit per number, for the last `size` numbers up to
 * the highest received.
 */
export class SequenceWindow {
  readonly #size: number
  readonly #mask: number
  readonly #bits: Uint32Array
  #highest = -1

  /** @param size - number of sequence numbers: a power of two, at least 32 */
  constructor(size: number = 2 ** 20) {
    this.#size = size
    this.#mask = size - 1
    this.#bits = new Uint32Array(size / 32)
  }

  get highest(): number {
    return this.#highest
  }

  /**
   * Records a number.
   *
   * @returns `reordered` if a higher one came before it, `outdated` if it is below the window, so that it may be a duplicate
   */
  note(sequence: number): Arrival {
    if (sequence > this.#highest) {
      this.#advance(sequence)
      return 'next'
    }
    if (sequence <= this.#highest - this.#size) return 'outdated'
    const slot = sequence & this.#mask
    const mask = 1 << (slot & 31)
    const at = slot >>> 5
    if ((this.#bits[at] & mask) !== 0) return 'duplicate'
    this.#bits[at] |= mask
    return 'reordered'
  }

  #advance(sequence: number): void {
    if (sequence - this.#highest >= this.#size) this.#bits.fill(0)
    else for (let skipped = this.#highest + 1; skipped < sequence; skipped += 1) this.#clear(skipped & this.#mask)
    const slot = sequence & this.#mask
    this.#bits[slot >>> 5] |= 1 << (slot & 31)
    this.#highest = sequence
  }

  #clear(slot: number): void {
    this.#bits[slot >>> 5] &= ~(1 << (slot & 31))
  }
}

export interface ReceivePlan {
  readonly listen: Endpoint
  /** Datagrams per system call, for the modes that batch. */
  readonly batch: number
  readonly sizeBytes: number
}

export interface Receiver {
  /** Totals since the receiver was opened. */
  readonly counts: { readonly datagrams: number; readonly bytes: number }
  /** Maximum number of messages per system call. */
  readonly batch: number
  /** Whether it receives coalesced datagrams (GRO), and why. */
  readonly gro: FeatureStatus
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  /** Datagrams dropped because the socket was full, a GRO buffer counted as one; null if unknown. */
  readonly kernelDrops: number | null
  /** Makes the slots at least this large. */
  makeRoom(sizeBytes: number): void
  run(streams: Streams, signal: AbortSignal): Promise<void>
  close(): void
}

/** Requested receive buffer: some milliseconds at 10 Gbit/s, so that short pauses lose nothing. */
export const WANTED_RECEIVE_BUFFER_BYTES = 32 * 2 ** 20
