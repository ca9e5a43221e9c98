import { SequenceWindow } from './sequence-window.js'

/** Statistics of one received stream, from the headers of its datagrams. */
export class StreamStatistics {
  readonly stream: number
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
  readonly #window = new SequenceWindow()
  #first = 0
  #lastTransit = 0
  #jitterMicroseconds = 0

  constructor(stream: number) {
    this.stream = stream
  }

  /** Smoothed difference between the transit times of successive datagrams (RFC 3550, 6.4.1). */
  get jitterMicroseconds(): number {
    return this.#jitterMicroseconds
  }

  /** Number of arrivals, duplicates included. */
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
      this.#jitterMicroseconds += (difference - this.#jitterMicroseconds) / 16
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
