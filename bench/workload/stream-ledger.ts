import { StreamAccount } from './stream-account.js'

/**
 * The accounts of all streams that arrive: those that were announced, and those of senders that send blind. Streams are
 * few, datagrams are many: the last stream's account is found first.
 */
export class StreamLedger {
  readonly #accounts = new Map<number, StreamAccount>()
  readonly #closed = new Set<number>()
  readonly #onFound: (account: StreamAccount) => void
  #last: StreamAccount | undefined
  #unnumbered: StreamAccount | undefined

  /** @param onFound - told of each stream that was not announced */
  constructor(onFound: (account: StreamAccount) => void = () => {}) {
    this.#onFound = onFound
  }

  /** Opens an account for a stream that is to come. */
  open(stream: number): StreamAccount {
    const account = new StreamAccount(stream)
    this.#closed.delete(stream)
    this.#accounts.set(stream, account)
    this.#last = undefined
    return account
  }

  /** Opens an account for datagrams too short for a header. There is one at a time: nothing tells them apart. */
  openUnnumbered(): StreamAccount {
    this.#unnumbered = new StreamAccount(UNNUMBERED)
    return this.#unnumbered
  }

  /** The account of a datagram's stream; undefined if the stream is closed, or there are too many to be true. */
  account(stream: number): StreamAccount | undefined {
    if (this.#last?.stream === stream) return this.#last
    const known = this.#accounts.get(stream)
    if (known !== undefined) {
      this.#last = known
      return known
    }
    if (stream === NO_STREAM || this.#closed.has(stream) || this.#accounts.size >= MAX_STREAMS) return undefined
    const account = this.open(stream)
    this.#onFound(account)
    return account
  }

  /** The account of datagrams too short for a header. */
  unnumbered(): StreamAccount {
    if (this.#unnumbered !== undefined) return this.#unnumbered
    const account = this.openUnnumbered()
    this.#onFound(account)
    return account
  }

  /** Ends an account: stragglers are ignored from now on. */
  close(account: StreamAccount): void {
    if (account === this.#unnumbered) {
      this.#unnumbered = undefined
      return
    }
    this.#accounts.delete(account.stream)
    if (this.#last === account) this.#last = undefined
    this.#closed.add(account.stream)
    const [oldest] = this.#closed
    if (this.#closed.size > MAX_CLOSED) this.#closed.delete(oldest)
  }
}

/** No sender has this number: a receiver's datagram to itself. */
const NO_STREAM = 0
/** What the account of datagrams without a header has for a stream. */
export const UNNUMBERED = -1

/** Foreign traffic has random bytes where the stream is, and an account takes 128 KiB. */
const MAX_STREAMS = 64
const MAX_CLOSED = 1024
