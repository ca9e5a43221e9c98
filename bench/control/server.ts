import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { Endpoint } from '../../src/index.js'
import { jsonLines } from '../children/mailbox.js'
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
 * Opens the receiver's end of the control connection, at exactly this address. It serves several senders at the same time.
 * Everything that a peer can make it keep or wait for is bounded.
 *
 * @throws Error `EADDRINUSE` and the like
 */
export async function listenControl(at: Endpoint, handler: ControlHandler, token?: string): Promise<{ close(): void }> {
  const senders = new Map<Socket, Sender>()
  /** Connections that have not sent `start`, oldest first. */
  const others = new Set<Socket>()
  const ready = () => ({ type: 'ready', ...handler.description }) as const

  const closed = (socket: Socket): void => {
    others.delete(socket)
    senders.get(socket)?.round?.abandon()
    senders.delete(socket)
  }

  /** Makes a connection a sender. If there are too many, a silent one is closed. @throws Error if all are active */
  const admit = (socket: Socket): Sender => {
    if (senders.size >= MAX_SENDERS) {
      const active = ([, { requestMs, round }]: [Socket, Sender]) => Math.max(requestMs, round?.lastArrivalMs ?? 0)
      const [oldest] = [...senders].sort((one, other) => active(one) - active(other))
      if (performance.now() - active(oldest) < SILENT_MS) throw new Error(`it is busy with ${MAX_SENDERS} senders`)
      closed(oldest[0])
      refuse(oldest[0], 'another sender took over after silence')
    }
    others.delete(socket)
    const sender = { round: undefined, requestMs: 0 }
    senders.set(socket, sender)
    return sender
  }

  /** Answers requests until the connection ends or a request is not acceptable: both are errors. */
  const serve = async (socket: Socket): Promise<void> => {
    const lines = jsonLines(socket, REQUEST_LIMITS)
    let patienceMs = FIRST_LINE_MS
    for (let isKnown = false; ; ) {
      const request = checkRequest(await lines.next(patienceMs))
      if (request.type === 'hello') {
        if (!hasToken(token, request.token)) throw new Error('it requires the right --token')
        isKnown = true
        patienceMs = senders.has(socket) ? PATIENCE_MS : IDLE_MS
        answer(socket, ready())
        continue
      }
      if (!isKnown) throw new Error('the first request must be hello')
      if (request.type === 'start') {
        const sender = senders.get(socket) ?? admit(socket)
        sender.round?.abandon()
        // An IPv4 address as such, even on an IPv6 socket.
        sender.round = handler.start(request, (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, ''))
        sender.requestMs = performance.now()
        patienceMs = PATIENCE_MS + request.seconds * 1000
        answer(socket, ready())
      } else {
        const sender = senders.get(socket)
        if (sender?.round === undefined) throw new Error('stop without start')
        const report = await sender.round.stop(request.sent)
        sender.round = undefined
        sender.requestMs = performance.now()
        patienceMs = PATIENCE_MS
        answer(socket, { type: 'report', ...report })
      }
    }
  }

  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    others.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => closed(socket))
    const [oldest] = others
    if (others.size > MAX_OTHERS) oldest.destroy()
    serve(socket).catch((error: Error) => {
      refuse(socket, error.message)
      closed(socket)
    })
  })
  server.listen({ host: at.address, port: at.port })
  await once(server, 'listening')
  return {
    close() {
      server.close()
      for (const socket of [...others, ...senders.keys()]) socket.destroy()
    },
  }
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
