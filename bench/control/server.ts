import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
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

/** What the receiver does for senders. */
export interface ControlHandler {
  readonly description: ReceiverDescription
  /** Opens the stream of a round. @throws Error that describes why it cannot be opened */
  start(round: StartRequest, senderAddress: string): AnnouncedRound
}

/** A round of a sender, from `start` on. */
export interface AnnouncedRound {
  /** When its last datagram arrived, in milliseconds; 0 before the first. */
  readonly lastArrivalMs: number
  /** Waits for late datagrams, ends the round, and returns what arrived. @throws Error if the round was abandoned */
  stop(sent: number): Promise<DeliveryReport>
  /** Ends a round whose sender left. Does nothing after the end. */
  abandon(): void
}

/** A connection that has sent `start`. */
interface Sender {
  round: AnnouncedRound | undefined
  requestMs: number
}

/**
 * The receiver's end of the control connection. It serves several senders at the same time. Everything that a peer can make it
 * keep or wait for is bounded.
 */
export class ControlServer {
  readonly #server: Server
  readonly #handler: ControlHandler
  readonly #token: string | undefined
  readonly #senders = new Map<Socket, Sender>()
  /** Connections that have not sent `start`, oldest first. */
  readonly #others = new Set<Socket>()

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
    for (const socket of [...this.#others, ...this.#senders.keys()]) socket.destroy()
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
      if (request.type === 'hello') {
        if (!hasToken(this.#token, request.token)) throw new Error('it requires the right --token')
        isKnown = true
        patienceMs = this.#senders.has(socket) ? PATIENCE_MS : IDLE_MS
        answer(socket, { type: 'ready', ...this.#handler.description })
        continue
      }
      if (!isKnown) throw new Error('the first request must be hello')
      if (request.type === 'start') {
        const sender = this.#senders.get(socket) ?? this.#admit(socket)
        sender.round?.abandon()
        sender.round = this.#handler.start(request, addressOf(socket))
        sender.requestMs = performance.now()
        patienceMs = PATIENCE_MS + request.seconds * 1000
        answer(socket, { type: 'ready', ...this.#handler.description })
      } else {
        const sender = this.#senders.get(socket)
        if (sender?.round === undefined) throw new Error('stop without start')
        const report = await sender.round.stop(request.sent)
        sender.round = undefined
        sender.requestMs = performance.now()
        patienceMs = PATIENCE_MS
        answer(socket, { type: 'report', ...report })
      }
    }
  }

  /** Makes a connection a sender. If there are too many, a silent one is closed. @throws Error if all are active */
  #admit(socket: Socket): Sender {
    if (this.#senders.size >= MAX_SENDERS) {
      const active = ([, { requestMs, round }]: [Socket, Sender]) => Math.max(requestMs, round?.lastArrivalMs ?? 0)
      const [oldest] = [...this.#senders].sort((one, other) => active(one) - active(other))
      if (performance.now() - active(oldest) < SILENT_MS) throw new Error(`it is busy with ${MAX_SENDERS} senders`)
      this.#closed(oldest[0])
      refuse(oldest[0], 'another sender took over after silence')
    }
    this.#others.delete(socket)
    const sender = { round: undefined, requestMs: 0 }
    this.#senders.set(socket, sender)
    return sender
  }

  #closed(socket: Socket): void {
    this.#others.delete(socket)
    this.#senders.get(socket)?.round?.abandon()
    this.#senders.delete(socket)
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
/** A sender that was silent for longer may lose its place to a new one. The slowest rate is one datagram per second. */
const SILENT_MS = 1500
/** The statistics of a stream take 128 KiB. */
const MAX_SENDERS = 64
const MAX_OTHERS = 64
const MAX_UNREAD_BYTES = 64 * 1024
const MAX_DISCARDED = 256 * 1024
const LINGER_MS = 200
