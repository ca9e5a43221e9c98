import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../../src/index.js'
import { JsonLines } from '../children/mailbox.js'
import { commandLine, Failure } from '../cli/run-command.js'
import { timeLimit } from '../cli/time-limit.js'
import type { DeliveryReport } from '../traffic/round-record.js'
import {
  CONTROL_VERSION,
  type ControlAnswer,
  type ControlRequest,
  type ReadyAnswer,
  type ReceiverDescription,
  type ReportAnswer,
  type StartRequest,
} from './protocol.js'

export class ControlClient {
  readonly #receiver: Endpoint
  readonly #socket: Socket
  readonly #lines: JsonLines
  readonly #signal: AbortSignal
  #description: ReceiverDescription | undefined

  private constructor(receiver: Endpoint, socket: Socket, signal: AbortSignal) {
    this.#receiver = receiver
    this.#socket = socket
    // It may close while nothing is read from it; the next request reports that.
    socket.on('error', () => {})
    this.#lines = new JsonLines(socket)
    this.#signal = signal
  }

  /** Connects to a receiver. @throws Failure if there is none, or if it requires another token */
  static async connect(receiver: Endpoint, signal: AbortSignal, token?: string): Promise<ControlClient> {
    const socket = connect({ host: receiver.address, port: receiver.port, noDelay: true })
    try {
      await once(socket, 'connect', { signal: AbortSignal.any([signal, timeLimit(CONNECT_TIMEOUT_MS)]) })
    } catch (error) {
      socket.destroy()
      signal.throwIfAborted()
      throw unreachable(receiver, error)
    }
    const client = new ControlClient(receiver, socket, signal)
    try {
      await client.#ready({ type: 'hello', version: CONTROL_VERSION, ...(token === undefined ? {} : { token }) })
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  get description(): ReceiverDescription {
    return this.#description as ReceiverDescription
  }

  /** Begins a round. The receiver is ready when this settles. */
  async start(round: Omit<StartRequest, 'type'>): Promise<void> {
    await this.#ready({ type: 'start', ...round })
  }

  /** Ends a round. Settles when all datagrams have arrived, or none arrives any more. */
  async stop(sent: number): Promise<DeliveryReport> {
    const { type: _, ...report } = (await this.#request({ type: 'stop', sent }, 'report')) as ReportAnswer
    return report
  }

  /** Closes the connection. A round that has not ended is abandoned. */
  close(): void {
    this.#socket.destroy()
  }

  async #ready(request: ControlRequest): Promise<void> {
    const { mode, batch, gro, receiveBufferBytes } = (await this.#request(request, 'ready')) as ReadyAnswer
    this.#description = { mode, batch, gro: gro === true, receiveBufferBytes }
  }

  async #request(request: ControlRequest, expected: ControlAnswer['type']): Promise<ControlAnswer> {
    this.#socket.write(`${JSON.stringify(request)}\n`)
    const answer = await this.#answer()
    if (answer?.type === expected) return answer
    if (answer?.type === 'refused')
      throw new Failure(`the receiver at ${this.#receiver} refuses: ${printable(answer.reason)}`)
    throw this.#notOurs()
  }

  async #answer(): Promise<ControlAnswer> {
    try {
      return (await this.#lines.next(ANSWER_TIMEOUT_MS, this.#signal)) as ControlAnswer
    } catch (error) {
      this.#signal.throwIfAborted()
      if (error instanceof SyntaxError) throw this.#notOurs()
      throw new Failure(`lost the receiver at ${this.#receiver}: ${(error as Error).message}`)
    }
  }

  #notOurs(): Failure {
    return new Failure(`the service at ${this.#receiver} is not a batchconn receiver`)
  }
}

function unreachable(receiver: Endpoint, error: unknown): Failure {
  const { code, name } = error as NodeJS.ErrnoException
  const reason = code === 'ECONNREFUSED' ? 'connection refused' : name === 'AbortError' ? 'no answer' : code
  const advice = `start ${commandLine('recv')} there, or send without a receiver: --no-control`
  return new Failure(`there is no receiver at ${receiver} (${reason}); ${advice}`)
}

function printable(text: unknown): string {
  return String(text)
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 200)
}

const CONNECT_TIMEOUT_MS = 5_000
/** The receiver waits for late datagrams before it reports. */
const ANSWER_TIMEOUT_MS = 15_000
