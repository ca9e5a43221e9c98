import { StreamStatistics } from './stream-statistics.js'

/**
 * Statistics of all streams that arrive, announced or not. Streams are few and datagrams many, so the stream of the previous
 * datagram is tried first.
 */
export class Streams {
  readonly #streams = new Map<number, StreamStatistics>()
  readonly #closed = new Set<number>()
  readonly #onFound: (statistics: StreamStatistics) => void
  #last: StreamStatistics | undefined
  #unnumbered: StreamStatistics | undefined

  /** @param onFound - called for each stream that was not announced */
  constructor(onFound: (statistics: StreamStatistics) => void = () => {}) {
    this.#onFound = onFound
  }

  /** Opens an announced stream. */
  open(stream: number): StreamStatistics {
    const statistics = new StreamStatistics(stream)
    this.#closed.delete(stream)
    this.#streams.set(stream, statistics)
    this.#last = undefined
    return statistics
  }

  /** Opens the stream of datagrams without a header. There is one at a time: they do not name their stream. */
  openUnnumbered(): StreamStatistics {
    this.#unnumbered = new StreamStatistics(UNNUMBERED)
    return this.#unnumbered
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

  /** Returns the stream of datagrams without a header. */
  unnumbered(): StreamStatistics {
    if (this.#unnumbered !== undefined) return this.#unnumbered
    const statistics = this.openUnnumbered()
    this.#onFound(statistics)
    return statistics
  }

  /** Closes a stream: datagrams that arrive later are ignored. */
  close(statistics: StreamStatistics): void {
    if (statistics === this.#unnumbered) {
      this.#unnumbered = undefined
      return
    }
    this.#streams.delete(statistics.stream)
    if (this.#last === statistics) this.#last = undefined
    this.#closed.add(statistics.stream)
    const [oldest] = this.#closed
    if (this.#closed.size > MAX_CLOSED) this.#closed.delete(oldest)
  }
}

/** Not used by any sender: test datagrams have it. */
const NO_STREAM = 0
/** The stream number of datagrams without a header. */
export const UNNUMBERED = -1

/** Other traffic has arbitrary bytes where the stream number is, and the statistics of a stream take 128 KiB. */
const MAX_STREAMS = 64
const MAX_CLOSED = 1024
