import { BatchConn, type Endpoint, RecvBatch, SendBatch, type Subscription } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'
import { HEADER_BYTES, HeaderReader, monotonicMicroseconds } from './payload-header.js'
import {
  type ReceivePlan,
  type Receiver,
  type StreamStatistics,
  type Streams,
  UNNUMBERED,
  WANTED_RECEIVE_BUFFER_BYTES,
} from './streams.js'

/**
 * Receives with the library: `recvmsg` for batches of one, `recvmmsg` for larger ones. It waits on the event loop: a thread
 * blocked in poll(2) receives fewer datagrams per call, and waking it costs the sender on the same host time. With `gro` a
 * message may contain coalesced datagrams, which are split here.
 */
export class BatchReceiver implements Receiver {
  readonly counts = { datagrams: 0, bytes: 0 }
  readonly localAddress: Endpoint
  readonly receiveBufferBytes: number
  readonly batch: number
  readonly gro: Receiver['gro']
  readonly #conn: BatchConn
  #inbox: RecvBatch
  readonly #replies: SendBatch
  #headers: HeaderReader
  /** Begins to read into the inbox, while the receiver runs. */
  #read = () => {}

  /** @throws Failure if GRO is requested and not supported */
  constructor({ listen, sizeBytes }: ReceivePlan, batch: number, gro: boolean) {
    this.batch = batch
    this.#inbox = new RecvBatch({ capacity: batch, ...(gro ? { gro } : { slotBytes: sizeBytes }) })
    this.#replies = new SendBatch({ capacity: batch, slotBytes: 1 })
    this.#headers = new HeaderReader(new ArrayBuffer(0))
    this.#conn = BatchConn.open({
      family: listen.family,
      countDrops: true,
      gro,
      receiveBufferBytes: WANTED_RECEIVE_BUFFER_BYTES,
    })
    this.gro = this.#conn.gro
    try {
      if (gro && !this.gro.available) throw new Failure(`GRO is not supported: ${this.gro.reason}`)
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
    if (sizeBytes <= this.#inbox.slotBytes) return
    this.#inbox = new RecvBatch({ capacity: this.batch, slotBytes: sizeBytes })
    this.#read()
  }

  async run(streams: Streams, signal: AbortSignal): Promise<void> {
    let reading: Subscription | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#read = () => {
          reading?.close()
          reading = this.#conn.onReadable(this.#inbox, () => this.#record(streams), { onError: reject })
        }
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
        this.#read()
      })
    } finally {
      this.#read = () => {}
      reading?.close()
    }
  }

  close(): void {
    this.#conn.close()
  }

  /** Records what a call received. By index and offset: nothing is allocated per datagram. */
  #record(streams: Streams): void {
    const inbox = this.#inbox
    const nowMs = performance.now()
    const { buffer } = inbox.bytes(0)
    if (this.#headers.buffer !== buffer) this.#headers = new HeaderReader(buffer)
    const arrival: Arrival = { streams, nowMs, microseconds: monotonicMicroseconds(nowMs), statistics: undefined }
    for (let index = 0; index < inbox.length; index += 1) {
      const { byteOffset, byteLength } = inbox.bytes(index)
      const step = inbox.segmentBytes(index)
      const end = byteOffset + byteLength
      let offset = byteOffset
      // Executed once for an empty datagram.
      do {
        const length = Math.min(step, end - offset)
        this.#recordDatagram(arrival, offset, length)
        if (arrival.statistics?.isEchoed) this.#echo(index, offset - byteOffset, length)
        offset += step
      } while (offset < end)
      if (inbox.truncated(index) && arrival.statistics !== undefined) arrival.statistics.truncated += 1
      this.counts.bytes += byteLength
    }
    if (this.#replies.length > 0) this.#sendReplies()
  }

  /** The reply refers to the inbox's memory, so it must be sent before the next receive. */
  #echo(index: number, start: number, byteLength: number): void {
    if (this.#replies.remaining === this.batch) this.#sendReplies()
    const bytes = this.#inbox.bytes(index).subarray(start, start + byteLength)
    this.#replies.appendReference(bytes, this.#inbox.source(index))
  }

  #sendReplies(): void {
    const replies = this.#replies
    while (replies.remaining > 0) {
      try {
        if (this.#conn.send(replies) === 0 && !this.#conn.waitWritable({ timeoutMs: REPLY_WAIT_MS })) break
      } catch {
        // This reply cannot be sent (no route, a firewall): it is lost, and the receiver goes on.
        replies.skip()
      }
    }
    replies.clear()
  }

  #recordDatagram(arrival: Arrival, offset: number, byteLength: number): void {
    this.counts.datagrams += 1
    const headers = this.#headers
    const isNumbered = byteLength >= HEADER_BYTES
    const stream = isNumbered ? headers.stream(offset) : UNNUMBERED
    if (arrival.statistics?.stream !== stream) {
      arrival.statistics = arrival.streams.of(stream)
      arrival.statistics?.noteCall(arrival.nowMs)
    }
    const { statistics } = arrival
    if (statistics === undefined) return
    if (!isNumbered) statistics.recordUnnumbered(byteLength)
    else statistics.record(headers.sequence(offset), headers.microseconds(offset), arrival.microseconds, byteLength)
  }
}

/** The state while the datagrams of one call are recorded. */
interface Arrival {
  readonly streams: Streams
  readonly nowMs: number
  readonly microseconds: number
  /** Those of the previous datagram's stream; undefined if it is not counted. */
  statistics: StreamStatistics | undefined
}

/** Longer than a full socket needs to send what it has. */
const REPLY_WAIT_MS = 10
