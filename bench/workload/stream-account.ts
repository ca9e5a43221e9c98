import { SequenceWindow } from './sequence-window.js'

/** What became of one stream of datagrams, counted from their headers. */
export class StreamAccount {
  readonly stream: number
  /** Different datagrams that arrived, and their bytes. */
  delivered = 0
  bytes = 0
  /** Those among the delivered that came after a higher sequence number. */
  reordered = 0
  /** Arrivals of what had been delivered before. */
  duplicated = 0
  /** Arrivals too late to tell whether they are duplicates; they stay with the lost. */
  outdated = 0
  /** Arrivals of which the slot was too small to hold all. */
  truncated = 0
  /** Calls that brought some of it. */
  calls = 0
  firstArrivalMs = 0
  lastArrivalMs = 0
  readonly #window = new SequenceWindow()
  #lastTransit = 0
  #jitterMicroseconds = 0

  constructor(stream: number) {
    this.stream = stream
  }

  /** Smoothed difference between the transit times of successive datagrams (RFC 3550, 6.4.1). */
  get jitterMicroseconds(): number {
    return this.#jitterMicroseconds
  }

  /** All that arrived, whatever it turned out to be. */
  get arrived(): number {
    return this.delivered + this.duplicated + this.outdated
  }

  /** The highest sequence number seen; -1 before the first. */
  get highest(): number {
    return this.#window.highest
  }

  /** How many are missing of the `sent`; by default of as many as the highest sequence number tells of. */
  lost(sent: number = this.highest + 1): number {
    return Math.max(0, sent - this.delivered)
  }

  /** Notes one datagram. Both times are microseconds modulo 2^32, on clocks that need not agree. */
  record(sequence: number, sentMicroseconds: number, arrivedMicroseconds: number, byteLength: number): void {
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

  /** Notes one datagram that has no header: it counts, and no more can be told. */
  recordUnnumbered(byteLength: number): void {
    this.delivered += 1
    this.bytes += byteLength
  }

  /** Notes that a system call brought some of the stream. */
  noteCall(nowMs: number): void {
    if (this.calls === 0) this.firstArrivalMs = nowMs
    // Streams may alternate within a call.
    if (nowMs !== this.lastArrivalMs) this.calls += 1
    this.lastArrivalMs = nowMs
  }
}
