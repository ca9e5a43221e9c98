import { setImmediate as nextTurn } from 'node:timers/promises'
import { BatchConn, type Endpoint, RecvBatch } from '../../src/index.js'
import { monotonicMicroseconds } from '../workload/clock.js'
import { HEADER_BYTES, HeaderWord, wordsOf } from '../workload/payload-header.js'
import type { StreamAccount } from '../workload/stream-account.js'
import { type StreamLedger, UNNUMBERED } from '../workload/stream-ledger.js'
import { type ReceivePlan, type Receiver, WANTED_RECEIVE_BUFFER_BYTES } from './receiver.js'

/**
 * Receives with the library: `recvmsg` for batches of one, `recvmmsg` for larger ones. It waits on the event loop: blocked
 * in poll(2) it would take fewer datagrams a call, and the sender on the same host would pay for waking it each time.
 */
export class BatchReceiver implements Receiver {
  readonly counts = { datagrams: 0, bytes: 0 }
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  readonly #conn: BatchConn
  readonly #capacity: number
  #inbox: RecvBatch
  #words: Uint32Array<ArrayBufferLike> = new Uint32Array(0)

  constructor({ listen, sizeBytes }: ReceivePlan, capacity: number) {
    this.#capacity = capacity
    this.#inbox = new RecvBatch({ capacity, slotBytes: sizeBytes })
    this.#conn = BatchConn.open({
      family: listen.family,
      countDrops: true,
      receiveBufferBytes: WANTED_RECEIVE_BUFFER_BYTES,
    })
    try {
      this.localAddress = this.#conn.bind(listen).localAddress
      this.receiveBufferBytes = this.#conn.options.receiveBufferBytes
    } catch (error) {
      this.#conn.close()
      throw error
    }
  }

  get kernelDrops(): number {
    return this.#conn.kernelDrops ?? 0
  }

  makeRoom(sizeBytes: number): void {
    if (sizeBytes > this.#inbox.slotBytes) {
      this.#inbox = new RecvBatch({ capacity: this.#capacity, slotBytes: sizeBytes })
    }
  }

  async run(ledger: StreamLedger, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#drain(ledger)) await this.#conn.readable({ signal }).catch(unlessAborted(signal))
      else await nextTurn()
    }
  }

  close(): void {
    this.#conn.close()
  }

  /** @returns true if nothing is left, false if there may be more than one turn of the event loop should take */
  #drain(ledger: StreamLedger): boolean {
    const endMs = performance.now() + TURN_MS
    for (;;) {
      const count = this.#conn.recv(this.#inbox)
      if (count === 0) return true
      const nowMs = performance.now()
      this.#record(ledger, count, nowMs)
      // A call that was not filled has emptied the queue: spare the one that would only say so.
      if (count < this.#capacity) return true
      if (nowMs >= endMs) return false
    }
  }

  /** Books what a call brought. By index and through one array of words: nothing is allocated for a datagram. */
  #record(ledger: StreamLedger, count: number, nowMs: number): void {
    const inbox = this.#inbox
    const arrivedMicroseconds = monotonicMicroseconds(nowMs)
    const { buffer } = inbox.bytes(0)
    if (this.#words.buffer !== buffer) this.#words = wordsOf(buffer)
    const words = this.#words
    let account: StreamAccount | undefined
    let totalBytes = 0
    for (let index = 0; index < count; index += 1) {
      const { byteOffset, byteLength } = inbox.bytes(index)
      totalBytes += byteLength
      const at = byteOffset >>> 2
      const isNumbered = byteLength >= HEADER_BYTES
      const stream = isNumbered ? words[at + HeaderWord.stream] : UNNUMBERED
      if (account?.stream !== stream) {
        account = isNumbered ? ledger.account(stream) : ledger.unnumbered()
        account?.noteCall(nowMs)
      }
      if (account === undefined) continue
      if (isNumbered) {
        const sequence = words[at + HeaderWord.sequenceHigh] * 2 ** 32 + words[at + HeaderWord.sequenceLow]
        account.record(sequence, words[at + HeaderWord.microseconds], arrivedMicroseconds, byteLength)
      } else {
        account.recordUnnumbered(byteLength)
      }
      if (inbox.truncated(index)) account.truncated += 1
    }
    this.counts.datagrams += count
    this.counts.bytes += totalBytes
  }
}

/** For a wait that the signal may end: its rejection is no error then. */
function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error
  }
}

/** How long one turn of the event loop may be busy receiving. */
const TURN_MS = 10
