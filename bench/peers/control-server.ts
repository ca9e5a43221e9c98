import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint } from '../../src/index.js'
import {
  type ControlAnswer,
  checkRequest,
  type DeliveryReport,
  type ReceiverDescription,
  type StartRequest,
} from './control-protocol.js'
import { JsonLines } from './json-lines.js'

/** What the receiver does for a sender. */
export interface ControlHandler {
  start(round: StartRequest, sender: string): Promise<ReceiverDescription>
  stop(sent: number): Promise<DeliveryReport>
  /** The sender went away, in the middle of a round perhaps. */
  gone(): void
}

/** The receiver's end of the control channel: serves one sender at a time, and tells others that it is busy. */
export class ControlServer {
  readonly #server: Server
  readonly #handler: ControlHandler
  readonly #sockets = new Set<Socket>()
  #isBusy = false

  private constructor(handler: ControlHandler) {
    this.#handler = handler
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => void this.#accept(socket))
  }

  /** @throws Error `EADDRINUSE` and the like */
  static async listen(at: Endpoint, handler: ControlHandler): Promise<ControlServer> {
    const server = new ControlServer(handler)
    server.#server.listen({ host: at.address, port: at.port })
    await once(server.#server, 'listening')
    return server
  }

  /** Ends the service, and every connection with it. */
  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Serves a connection to its end, or tells it that another one is being served. */
  async #accept(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    // The last sender's end may reach us after the next one's beginning.
    for (let waitedMs = 0; this.#isBusy && waitedMs < GRACE_MS; waitedMs += 20) await sleep(20)
    if (this.#isBusy) return refuse(socket, 'it is busy with another sender')
    this.#isBusy = true
    try {
      await this.#serve(socket)
    } catch (error) {
      refuse(socket, (error as Error).message)
    } finally {
      this.#isBusy = false
      this.#handler.gone()
    }
  }

  /** Requests and answers in turn, until the sender leaves: that ends in an error too. */
  async #serve(socket: Socket): Promise<void> {
    const lines = new JsonLines(socket)
    for (let patienceMs = PATIENCE_MS; ; ) {
      const request = checkRequest(await lines.next(patienceMs))
      if (request.type === 'start') {
        answer(socket, { type: 'ready', ...(await this.#handler.start(request, addressOf(socket))) })
        patienceMs = PATIENCE_MS + request.seconds * 1000
      } else {
        answer(socket, { type: 'report', ...(await this.#handler.stop(request.sent)) })
        patienceMs = PATIENCE_MS
      }
    }
  }
}

/** An IPv4 address is one, even where an IPv6 socket took the connection. */
function addressOf({ remoteAddress = 'unknown' }: Socket): string {
  return remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
}

function answer(socket: Socket, message: ControlAnswer): void {
  socket.write(`${JSON.stringify(message)}\n`)
}

/** Says why, and hangs up. */
function refuse(socket: Socket, reason: string): void {
  socket.resume()
  if (socket.writable) socket.end(`${JSON.stringify({ type: 'refused', reason } satisfies ControlAnswer)}\n`)
}

/** How long a sender may be silent beyond its round. */
const PATIENCE_MS = 60_000
/** How long a newcomer waits for one that may have left already. */
const GRACE_MS = 300
