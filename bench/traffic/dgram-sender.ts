import { createSocket, type Socket, type SocketType } from 'node:dgram'
import { once } from 'node:events'
import type { Endpoint } from '../../src/index.js'
import { destinationsOf } from './network.js'
import { HeaderStamper } from './payload-header.js'
import { pacedBatch, Sender, type SendPlan, type SocketPlan, sendFailure } from './sender.js'

/** That of `node:dgram`, or of a drop-in for it. */
export type CreateSocket = (type: SocketType) => Socket

/**
 * Sends with `node:dgram`, or with the drop-in for it: a batch, at least 64 datagrams, then it waits for their callbacks. Node
 * calls sendmsg for each, the drop-in sendmmsg for all. Additional calls when the socket is full are not counted.
 */
export class DgramSender extends Sender {
  readonly #plan: SendPlan
  readonly #socket: Socket
  readonly #packetsPerCall: number
  readonly #payloads: Buffer[]
  readonly #destinations: readonly Endpoint[]
  readonly #headers: HeaderStamper

  private constructor(plan: SendPlan, socket: Socket, packetsPerCall: number) {
    super(pacedBatch(Math.max(LEAST_IN_FLIGHT, plan.batch), plan), plan)
    this.#plan = plan
    this.#socket = socket
    this.#packetsPerCall = packetsPerCall
    this.#payloads = allocatePayloads(this.packetsPerBatch, plan.sizeBytes)
    this.#destinations = destinationsOf(plan, this.packetsPerBatch)
    this.#headers = new HeaderStamper(this.#payloads)
  }

  static async open(plan: SendPlan, create: CreateSocket = createSocket): Promise<DgramSender> {
    const socket = await openDgram(plan, create)
    // The callbacks receive the same errors.
    socket.on('error', () => {})
    return new DgramSender(plan, socket, create === createSocket ? 1 : DROP_IN_BATCH)
  }

  prepare(): void {
    const { stream, sequence, microseconds } = this.schedule
    this.#headers.stamp(this.packetsPerBatch, stream, sequence, microseconds)
    this.schedule.sequence = sequence + this.packetsPerBatch
  }

  async sendSlice(untilMs: number): Promise<void> {
    while (this.schedule.next(untilMs) > 0) {
      this.prepare()
      await this.#sendPayloads()
    }
  }

  close(): void {
    this.#socket.close()
  }

  #sendPayloads(): Promise<void> {
    const { counts } = this.schedule
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
      for (const [index, payload] of this.#payloads.entries()) {
        const { address, port } = this.#destinations[index]
        if (this.#plan.connect) this.#socket.send(payload, done)
        else this.#socket.send(payload, port, address, done)
      }
    })
  }
}

/** Opens a socket as planned. @throws Error from bind and connect */
export async function openDgram({ destination, bind, connect }: SocketPlan, create: CreateSocket): Promise<Socket> {
  const socket = create(destination.family === 'ipv4' ? 'udp4' : 'udp6')
  try {
    socket.bind({ address: bind?.address ?? '', port: bind?.port ?? 0 })
    await once(socket, 'listening')
    if (connect) {
      socket.connect(destination.port, destination.address)
      await once(socket, 'connect')
    }
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

/** Payloads in one block, each on cache lines of its own, as in a `SendBatch`. */
function allocatePayloads(count: number, sizeBytes: number): Buffer[] {
  const stride = Math.ceil(sizeBytes / 64) * 64
  const memory = new ArrayBuffer(count * stride)
  return Array.from({ length: count }, (_, index) => Buffer.from(memory, index * stride, sizeBytes))
}

/** The default batch size. */
const LEAST_IN_FLIGHT = 64
/** The drop-in sends as many together. */
const DROP_IN_BATCH = 256
