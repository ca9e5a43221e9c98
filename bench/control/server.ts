import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint } from '../../src/index.js'
import { JsonLines } from '../children/mailbox.js'
import type { DeliveryReport } from '../traffic/round-record.js'
import {
  type ControlAnswer,
  checkRequest,
  hasToken,
  REQUEST_LIMITS,
  type ReceiverDescription,
  type StartRequest,
} from './protocol.js'

/** What the receiver does for a sender. */
export interface ControlHandler {
  readonly description: ReceiverDescription
  /** When the announced stream's last datagram arrived, in milliseconds; 0 before the first. */
  readonly lastArrivalMs: number
  start(round: StartRequest, senderAddress: string): Promise<void>
  stop(sent: number): Promise<DeliveryReport>
  /** The sender left, perhaps during a round. */
  gone(): void
}

/** A connection that has sent `start`: it has the receiver for itself until it closes. */
interface Holder {
  readonly socket: Socket
  requestMs: number
}

/**
 * The receiver's end of the control connection. It serves one sender at a time. A sender that sends neither requests nor
 * datagrams loses the receiver to the next one. Everything that a peer can make it keep or wait for is bounded.
 */
export class ControlServer {
  readonly #server: Server
  readonly #handler: ControlHandler
  readonly #token: string | undefined
  /** Connections that do not have the receiver, oldest first. */
  readonly #others = new Set<Socket>()
  #holder: Holder | undefined

  private constructor(handler: ControlHandler, token: string | undefined) {
    this.#handler = handler
    this.#token = token
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => void this.#accept(socket))
  }

  /** Listens on exactly this address. @throws Error `EADDRINUSE` and the like */
  static async listen(at: Endpoint, handler: ControlHandler, token?: string): Promise<ControlServer> {
    const server = new ControlServer(handler, token)
    server.#server.listen({ host: at.address, port: at.port })
    await once(server.#server, 'listening')
    return server
  }

  close(): void {
    this.#server.close()
    for (const socket of [...this.#others, ...(this.#holder === undefined ? [] : [this.#holder.socket])])
      socket.destroy()
  }

  async #accept(socket: Socket): Promise<void> {
    this.#others.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#closed(socket))
    const [oldest] = this.#others
    if (this.#others.size > MAX_OTHERS) oldest.destroy()
    try {
      await this.#serve(socket)
    } catch (error) {
      refuse(socket, (error as Error).message)
      this.#closed(socket)
    }
  }

  /** Answers requests until the connection ends or a request is not acceptable: both are errors. */
  async #serve(socket: Socket): Promise<void> {
    const lines = new JsonLines(socket, REQUEST_LIMITS)
    let patienceMs = FIRST_LINE_MS
    for (let isKnown = false; ; ) {
      const request = checkRequest(await lines.next(patienceMs))
      patienceMs = this.#holder?.socket === socket ? PATIENCE_MS : IDLE_MS
      if (request.type === 'hello') {
        if (!hasToken(this.#token, request.token)) throw new Error('it requires the right --token')
        isKnown = true
        answer(socket, { type: 'ready', ...this.#handler.description })
        continue
      }
      if (!isKnown) throw new Error('the first request must be hello')
      if (request.type === 'start') {
        await this.#take(socket)
        await this.#handler.start(request, addressOf(socket))
        patienceMs = PATIENCE_MS + request.seconds * 1000
        answer(socket, { type: 'ready', ...this.#handler.description })
      } else {
        if (this.#holder?.socket !== socket) throw new Error('stop without start')
        answer(socket, { type: 'report', ...(await this.#handler.stop(request.sent)) })
      }
      if (this.#holder?.socket === socket) this.#holder.requestMs = performance.now()
    }
  }

  /** Gives the receiver to a connection, as soon as the sender that has it leaves or is silent. @throws Error if it is busy */
  async #take(socket: Socket): Promise<void> {
    if (this.#holder?.socket === socket) return
    const startMs = performance.now()
    while (performance.now() - this.#activeMs() < SILENT_MS) {
      // The end of the last sender may arrive after the first request of the next one.
      const isGraceOver = performance.now() - startMs > GRACE_MS
      if (isGraceOver && this.#activeMs() > startMs) throw new Error('it is busy with another sender')
      if (socket.destroyed) throw new Error('the connection was closed')
      await sleep(20)
    }
    const last = this.#holder?.socket
    this.#others.delete(socket)
    if (last !== undefined) {
      this.#handler.gone()
      refuse(last, 'another sender took over after silence')
    }
    this.#holder = { socket, requestMs: performance.now() }
  }

  /** When the sender that has the receiver last sent a request or a datagram; -Infinity if there is none. */
  #activeMs(): number {
    if (this.#holder === undefined) return Number.NEGATIVE_INFINITY
    return Math.max(this.#holder.requestMs, this.#handler.lastArrivalMs)
  }

  #closed(socket: Socket): void {
    this.#others.delete(socket)
    if (this.#holder?.socket !== socket) return
    this.#holder = undefined
    this.#handler.gone()
  }
}

/** Returns the peer's address; an IPv4 address as such, even on an IPv6 socket. */
function addressOf({ remoteAddress = 'unknown' }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
}

function answer(socket: Socket, message: ControlAnswer): void {
  // A peer that sends requests and reads no answers would fill the memory.
  if (socket.writableLength > MAX_UNREAD_BYTES) throw new Error('answers are not read')
  socket.write(`${JSON.stringify(message)}\n`)
}

/** Sends the reason, and closes the connection: at once if the peer goes on sending, so that nothing is kept. */
function refuse(socket: Socket, reason: string): void {
  if (!socket.writable) return void socket.destroy()
  socket.end(`${JSON.stringify({ type: 'refused', reason } satisfies ControlAnswer)}\n`)
  // Unread data would make the kernel reset the connection, and the peer could lose the reason.
  let discarded = 0
  socket.removeAllListeners('data')
  socket.on('data', ({ length }: { length: number }) => {
    discarded += length
    if (discarded > MAX_DISCARDED) socket.destroy()
  })
  socket.resume()
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}

/** Maximum time from the connection to its first request. */
const FIRST_LINE_MS = 1000
/** Maximum silence of a sender that has not started yet: it may have to compile other programs. */
const IDLE_MS = 600_000
/** Maximum silence of a sender after the end of its round. */
const PATIENCE_MS = 60_000
/** A sender that was silent for longer loses the receiver to the next one. The slowest rate is one datagram per second. */
const SILENT_MS = 1500
/** Minimum time that a new sender waits for the end of the last one. */
const GRACE_MS = 300
const MAX_OTHERS = 64
const MAX_UNREAD_BYTES = 64 * 1024
const MAX_DISCARDED = 256 * 1024
const LINGER_MS = 200
