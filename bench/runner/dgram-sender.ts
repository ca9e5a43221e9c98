import { createSocket, type Socket, type SocketType } from 'node:dgram'
import { once } from 'node:events'
import { pacedBatch } from '../workload/pacer.js'
import { HeaderStamper } from '../workload/payload-header.js'
import { sendFailure } from './send-failure.js'
import { SendTurns } from './send-turns.js'
import type { SendCounts, Sender, SendPlan } from './sender.js'

/** `node:dgram`'s, or that of a drop-in for it. */
export type CreateSocket = (type: SocketType) => Socket

/**
 * Sends with `node:dgram`, for scale, or with the drop-in: a turn's worth of datagrams at once, then a wait for all their
 * callbacks. Node makes one sendmsg for each, the drop-in one call for all; what either does beyond that when the socket is
 * full is not seen here.
 */
export class DgramSender implements Sender {
  readonly packetsPerBatch: number
  readonly #plan: SendPlan
  readonly #socket: Socket
  readonly #packetsPerCall: number
  readonly #payloads: Buffer[]
  readonly #headers: HeaderStamper
  readonly #turns: SendTurns

  private constructor(plan: SendPlan, socket: Socket, packetsPerCall: number) {
    this.#plan = plan
    this.#socket = socket
    this.#packetsPerCall = packetsPerCall
    this.packetsPerBatch = pacedBatch(IN_FLIGHT, plan.packetsPerSecond)
    this.#payloads = allocatePayloads(this.packetsPerBatch, plan.sizeBytes)
    this.#headers = new HeaderStamper(this.#payloads)
    this.#turns = new SendTurns(this.packetsPerBatch, plan.packetsPerSecond)
  }

  /** Opens, binds, and connects if asked; closed again if one of them fails. */
  static async open(plan: SendPlan, create: CreateSocket = createSocket): Promise<DgramSender> {
    const { destination, bind, connect } = plan
    const socket = create(destination.family === 'ipv4' ? 'udp4' : 'udp6')
    try {
      socket.bind({ address: bind?.address ?? '', port: bind?.port ?? 0 })
      await once(socket, 'listening')
      if (connect) {
        socket.connect(destination.port, destination.address)
        await once(socket, 'connect')
      }
    } catch (error) {
      socket.close()
      throw error
    }
    // What is said here is said to the callbacks as well.
    socket.on('error', () => {})
    return new DgramSender(plan, socket, create === createSocket ? 1 : IN_FLIGHT)
  }

  get counts(): SendCounts {
    return this.#turns.counts
  }

  begin(stream: number): void {
    this.#turns.begin(stream)
  }

  prepare(): void {
    const { stream, sequence, microseconds } = this.#turns
    this.#headers.stamp(this.packetsPerBatch, stream, sequence, microseconds)
    this.#turns.sequence = sequence + this.packetsPerBatch
  }

  async sendSlice(untilMs: number): Promise<void> {
    while (this.#turns.next(untilMs) > 0) {
      this.prepare()
      await this.#sendPayloads()
    }
  }

  settle(untilMs: number): void {
    this.#turns.settle(untilMs)
  }

  close(): void {
    this.#socket.close()
  }

  /** Hands all payloads to Node, and settles when it is done with the last. */
  #sendPayloads(): Promise<void> {
    const { counts } = this.#turns
    return new Promise((resolve, reject) => {
      let pending = this.#payloads.length
      counts.sendCalls += Math.ceil(pending / this.#packetsPerCall)
      const done = (error: Error | null) => {
        if (error === null) counts.packets += 1
        else if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') counts.errors += 1
        else reject(sendFailure(error, this.#plan.destination))
        pending -= 1
        if (pending === 0) resolve()
      }
      const { address, port } = this.#plan.destination
      for (const payload of this.#payloads) {
        if (this.#plan.connect) this.#socket.send(payload, done)
        else this.#socket.send(payload, port, address, done)
      }
    })
  }
}

/** Payloads in one block, each at its own cache line, as a `SendBatch` has them. */
function allocatePayloads(count: number, sizeBytes: number): Buffer[] {
  const stride = Math.ceil(sizeBytes / 64) * 64
  const memory = new ArrayBuffer(count * stride)
  return Array.from({ length: count }, (_, index) => Buffer.from(memory, index * stride, sizeBytes))
}

/** As many as a batch has by default. */
const IN_FLIGHT = 64
