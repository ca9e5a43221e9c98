import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../../src/index.js'
import { Failure } from '../failure.js'
import { timeLimit } from '../time-limit.js'
import {
  CONTROL_VERSION,
  type ControlAnswer,
  type ControlRequest,
  type DeliveryReport,
  type ReadyAnswer,
  type ReceiverDescription,
  type StartRequest,
} from './control-protocol.js'
import { JsonLines } from './json-lines.js'

/** The sender's end of the control channel. */
export class ControlClient {
  readonly #receiver: Endpoint
  readonly #socket: Socket
  readonly #lines: JsonLines
  readonly #signal: AbortSignal
  #description: ReceiverDescription | undefined

  private constructor(receiver: Endpoint, socket: Socket, signal: AbortSignal) {
    this.#receiver = receiver
    this.#socket = socket
    this.#lines = new JsonLines(socket)
    this.#signal = signal
  }

  /** @throws Failure if no receiver is there */
  static async connect(receiver: Endpoint, signal: AbortSignal): Promise<ControlClient> {
    const socket = connect({ host: receiver.address, port: receiver.port, noDelay: true })
    try {
      await once(socket, 'connect', { signal: AbortSignal.any([signal, timeLimit(CONNECT_TIMEOUT_MS)]) })
      return new ControlClient(receiver, socket, signal)
    } catch (error) {
      socket.destroy()
      signal.throwIfAborted()
      throw notThere(receiver, error)
    }
  }

  /** Who receives; known once a round has begun. */
  get description(): ReceiverDescription | undefined {
    return this.#description
  }

  /** Begins a round: when this settles, the receiver is ready. */
  async start(round: Omit<StartRequest, 'type' | 'version'>): Promise<void> {
    const answer = await this.#ask({ type: 'start', version: CONTROL_VERSION, ...round }, 'ready')
    const { mode, batch, gro, receiveBufferBytes } = answer as ReadyAnswer
    this.#description = { mode, batch, gro: gro === true, receiveBufferBytes }
  }

  /** Ends a round: settles when all has arrived, or nothing more does. */
  async stop(sent: number): Promise<DeliveryReport> {
    const { type: _, ...report } = (await this.#ask({ type: 'stop', sent }, 'report')) as ControlAnswer & DeliveryReport
    return report
  }

  /** Leaves; the receiver is free for the next. */
  close(): void {
    this.#socket.destroy()
  }

  /** Sends a request and waits for its answer. @throws Failure for any other */
  async #ask(request: ControlRequest, expected: ControlAnswer['type']): Promise<ControlAnswer> {
    this.#socket.write(`${JSON.stringify(request)}\n`)
    const answer = await this.#answer()
    if (answer.type === expected) return answer
    if (answer.type === 'refused') throw new Failure(`the receiver at ${this.#receiver} refuses: ${answer.reason}`)
    throw new Failure(`what listens at ${this.#receiver} is no receiver of this benchmark`)
  }

  async #answer(): Promise<ControlAnswer> {
    try {
      return (await this.#lines.next(ANSWER_TIMEOUT_MS, this.#signal)) as ControlAnswer
    } catch (error) {
      this.#signal.throwIfAborted()
      if (error instanceof SyntaxError) {
        throw new Failure(`what listens at ${this.#receiver} is no receiver of this benchmark`)
      }
      throw new Failure(`lost the receiver at ${this.#receiver}: ${(error as Error).message}`)
    }
  }
}

/** Why nobody answers, with what to do about it. */
function notThere(receiver: Endpoint, error: unknown): Failure {
  const { code, name } = error as NodeJS.ErrnoException
  const reason = code === 'ECONNREFUSED' ? 'connection refused' : name === 'AbortError' ? 'no answer' : code
  const advice = 'start bench/recv.ts there, or send blind with --no-control'
  return new Failure(`the receiver is not there: ${receiver} (${reason}); ${advice}`)
}

const CONNECT_TIMEOUT_MS = 5_000
/** The receiver waits for stragglers before it reports. */
const ANSWER_TIMEOUT_MS = 15_000
