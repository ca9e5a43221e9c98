import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSocket, type RemoteInfo, type SendCallback, type Socket } from '../../../src/dgram/index.js'
import { bufferCost } from '../plan/flow.js'
import { injectOnce } from './injected-faults.js'
import { between, payloadLength } from './lengths.js'
import type { Outgoing } from './outgoing.js'
import { shortLength } from './payload.js'
import { Peer } from './peer.js'
import { droppedAt } from './udp-table.js'

/** A socket of the drop-in for node:dgram. */
export class DropInPeer extends Peer {
  #socket: Socket | undefined
  #earlierDrops = 0

  override async open(): Promise<number> {
    const { family, gro, gso, receiveBufferBytes, address, port } = this.spec
    const type = family === 'ipv4' ? 'udp4' : 'udp6'
    const socket = createSocket({ type, gro, gso, recvTtl: true, recvTos: true, recvBufferSize: receiveBufferBytes })
    this.#socket = socket
    socket.on('message', (bytes, info) => this.#note(bytes, info))
    socket.on('error', (error) => this.#noteError(error))
    socket.bind(port, address)
    await once(socket, 'listening')
    if (!socket.batching.available) this.report(`the drop-in does not batch: ${socket.batching.reason}`)
    return socket.getRecvBufferSize()
  }

  override connect(): void {
    const { to } = this.outgoing[0]?.flow ?? {}
    if (this.spec.send?.connected && to !== undefined) this.#open.connect(to.port, to.address)
  }

  // The drop-in has no drop count of its own.
  override get kernelDrops(): number {
    if (this.#socket === undefined) return this.#earlierDrops
    return this.#earlierDrops + droppedAt(this.spec.port, this.spec.family)
  }

  /** Closes the socket in the tick of its last datagram, which must still be sent. */
  override async shut(): Promise<void> {
    // Not with an offset and a length: Node's own code would then look up the address first, and drop the queued
    // messages.
    if (this.outgoing.length > 0) this.#send(this.outgoing[0], 'bytes')
    await super.shut()
  }

  protected override async closeSocket(): Promise<void> {
    this.#earlierDrops = this.kernelDrops
    const socket = this.#open
    this.#socket = undefined
    socket.close()
    await once(socket, 'close')
  }

  /** Settles when all callbacks of the round were called, so that the queue stays bounded. */
  protected override async sendRound(datagrams: number): Promise<void> {
    for (let index = 0; index < datagrams; index += 1) this.#send(this.outgoing[index % this.outgoing.length])
    const deadlineMs = performance.now() + CALLBACK_MS
    while (this.outgoing.some(({ counts }) => counts.pendingCallbacks > 0) && performance.now() < deadlineMs) {
      await sleep(1)
    }
  }

  #send(outgoing: Outgoing, form: SendForm = FORMS[between(this.random, 0, FORMS.length - 1)]): void {
    const { sizes } = this.spec.send ?? { sizes: 'packet' }
    const length = sizes === 'short' ? shortLength(outgoing.sequence) : payloadLength(sizes, this.random)
    const cost = bufferCost(length)
    if (!outgoing.hasRoom(cost)) return
    const bytes = Buffer.allocUnsafe(length)
    outgoing.write(bytes)
    const { counts } = outgoing
    counts.pendingCallbacks += 1
    const isLost = injectOnce('lost-callback', this.spec.name)
    let calls = 0
    const callback: SendCallback = (error, byteLength) => {
      if (isLost) return
      calls += 1
      if (calls > 1) this.report(`a send callback was called ${calls} times`)
      if (error === null && byteLength !== length) this.report(`a send callback has ${byteLength} bytes, not ${length}`)
      counts.pendingCallbacks -= 1
      outgoing.settle(1, cost, error === null ? undefined : ((error as { code?: string }).code ?? error.message))
    }
    this.#sendAs(form, bytes, outgoing, callback)
  }

  #sendAs(form: SendForm, bytes: Buffer, { destination, flow }: Outgoing, callback: SendCallback): void {
    const { address, port } = flow.to
    const cut = between(this.random, 0, bytes.length)
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)]
    const target = destination === undefined ? [] : [port, address]
    const options = this.spec.send?.options
    const socket = this.#open
    if (options !== undefined) socket.send(bytes, { port, address, ...options }, callback)
    else if (form === 'pieces') Reflect.apply(socket.send, socket, [pieces, ...target, callback])
    else if (form === 'offset') Reflect.apply(socket.send, socket, [bytes, 0, bytes.length, ...target, callback])
    else if (form === 'many') socket.sendMany([bytes], destination === undefined ? {} : { port, address }, callback)
    else Reflect.apply(socket.send, socket, [bytes, ...target, callback])
  }

  #note(bytes: Buffer, { address, port, ttl, ecn }: RemoteInfo): void {
    this.incoming.note({ bytes, truncated: false, source: { address, port }, ttl, ecn })
  }

  #noteError(error: Error): void {
    const { code } = error as { code?: string }
    if (code === 'ECONNREFUSED' && this.spec.send?.connected) this.outgoing[0].counts.refused += 1
    else this.report(`error event: ${error.stack}`)
  }

  get #open(): Socket {
    if (this.#socket === undefined) throw new Error(`${this.spec.name} is closed`)
    return this.#socket
  }
}

/** Forms of `send`, and `sendMany`. */
const FORMS = ['bytes', 'pieces', 'offset', 'many'] as const
type SendForm = (typeof FORMS)[number]

const CALLBACK_MS = 2000
