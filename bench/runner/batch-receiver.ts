import { setImmediate as nextTurn } from 'node:timers/promises'
import { BatchConn, type Endpoint, type FeatureStatus, RecvBatch } from '../../src/index.js'
import { Failure } from '../failure.js'
import { monotonicMicroseconds } from '../workload/clock.js'
import { HEADER_BYTES, HeaderReader } from '../workload/payload-header.js'
import type { StreamAccount } from '../workload/stream-account.js'
import { type StreamLedger, UNNUMBERED } from '../workload/stream-ledger.js'
import { type ReceivePlan, type Receiver, WANTED_RECEIVE_BUFFER_BYTES } from './receiver.js'

/**
 * Receives with the library: `recvmsg` for batches of one, `recvmmsg` for larger ones. It waits on the event loop: blocked
 * in poll(2) it would take fewer datagrams a call, and the sender on the same host would pay for waking it each time.
 * With `gro` a message may be a train, which is taken apart here.
 */
export class BatchReceiver implements Receiver {
  readonly counts = { datagrams: 0, bytes: 0 }
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  readonly batch: number
  readonly gro: FeatureStatus
  readonly #conn: BatchConn
  #inbox: RecvBatch
  #headers: HeaderReader

  /** @throws Failure if it is to take trains and cannot */
  constructor({ listen, sizeBytes }: ReceivePlan, batch: number, gro: boolean) {
    this.batch = batch
    this.#inbox = new RecvBatch({ capacity: batch, ...(gro ? { gro } : { slotBytes: sizeBytes }) })
    this.#headers = new HeaderReader(new ArrayBuffer(0))
    this.#conn = BatchConn.open({
      family: listen.family,
      countDrops: true,
      gro,
      receiveBufferBytes: WANTED_RECEIVE_BUFFER_BYTES,
    })
    this.gro = this.#conn.gro
    try {
      if (gro && !this.gro.available) throw new Failure(`cannot receive trains: ${this.gro.reason}`)
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
      this.#inbox = new RecvBatch({ capacity: this.batch, slotBytes: sizeBytes })
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
      if (count < this.batch) return true
      if (nowMs >= endMs) return false
    }
  }

  /** Books what a call brought. By index and by offset: nothing is allocated for a datagram. */
  #record(ledger: StreamLedger, count: number, nowMs: number): void {
    const inbox = this.#inbox
    const { buffer } = inbox.bytes(0)
    if (this.#headers.buffer !== buffer) this.#headers = new HeaderReader(buffer)
    const arrival: Arrival = { ledger, nowMs, microseconds: monotonicMicroseconds(nowMs), account: undefined }
    for (let index = 0; index < count; index += 1) {
      const { byteOffset, byteLength } = inbox.bytes(index)
      const step = inbox.segmentBytes(index)
      const end = byteOffset + byteLength
      let offset = byteOffset
      // An empty datagram is one too.
      do {
        this.#recordDatagram(arrival, offset, Math.min(step, end - offset))
        offset += step
      } while (offset < end)
      if (inbox.truncated(index) && arrival.account !== undefined) arrival.account.truncated += 1
      this.counts.bytes += byteLength
    }
  }

  #recordDatagram(arrival: Arrival, offset: number, byteLength: number): void {
    this.counts.datagrams += 1
    const headers = this.#headers
    const isNumbered = byteLength >= HEADER_BYTES
    const stream = isNumbered ? headers.stream(offset) : UNNUMBERED
    if (arrival.account?.stream !== stream) {
      arrival.account = isNumbered ? arrival.ledger.account(stream) : arrival.ledger.unnumbered()
      arrival.account?.noteCall(arrival.nowMs)
    }
    const { account } = arrival
    if (account === undefined) return
    if (!isNumbered) account.recordUnnumbered(byteLength)
    else account.record(headers.sequence(offset), headers.microseconds(offset), arrival.microseconds, byteLength)
  }
}

/** One call's worth of datagrams, while they are booked. */
interface Arrival {
  readonly ledger: StreamLedger
  readonly nowMs: number
  readonly microseconds: number
  /** That of the last datagram's stream; undefined if it has none. */
  account: StreamAccount | undefined
}

/** For a wait that the signal may end: its rejection is no error then. */
function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error
  }
}

/** How long one turn of the event loop may be busy receiving. */
const TURN_MS = 10
