import { BatchConn, SendBatch } from '../../src/index.js'
import { SO_EE_ORIGIN_LOCAL } from '../../src/libc/constants.js'
import { checkStats, ExpectedSendStats } from './expected-stats.js'
import type { Stored } from './incoming.js'
import { installKernel, memory } from './kernel.js'
import { networkErrors } from './network-errors.js'
import type { SocketFacts } from './outgoing.js'
import { ReceiveKernel, type ReceiveScript, UNOBSERVED } from './receive-kernel.js'
import type { MessageSpec, SendCase } from './send-case.js'
import { SendKernel } from './send-kernel.js'
import { DESTINATIONS, MessageMaker } from './send-messages.js'
import { SendModel } from './send-model.js'
import { COOPERATIVE_WORLD, SendScript } from './send-script.js'
import type { SendTally } from './send-tally.js'
import { expect, Violation } from './violation.js'

/** A socket of a case. */
export interface OpenSocket {
  readonly conn: BatchConn
  readonly facts: SocketFacts
}

/** The batch, the sockets, the model and the scripted kernel of one case. Close it after use. */
export class SendScene {
  readonly batch: SendBatch
  readonly model: SendModel
  readonly script: SendScript
  readonly expectedStats: ExpectedSendStats
  /** Errors that the error queue attributed to this host since `begin`. */
  readonly localErrors = new Set<number>()
  /** Called before each system call that sends. */
  onCall: () => void = () => {}
  readonly #case: SendCase
  readonly #maker: MessageMaker
  readonly #sockets: (OpenSocket | undefined)[] = []
  readonly #facts = new Map<number, SocketFacts>()
  readonly #sending: SendKernel
  readonly #receiving: ReceiveKernel
  readonly #kernel: { restore(): void }

  constructor(testCase: SendCase, tally: SendTally) {
    this.#case = testCase
    const { world, events, family, errorQueue } = testCase
    const destinations = DESTINATIONS[family].map(({ text }) => text)
    this.model = new SendModel(testCase.batch, tally)
    this.script = new SendScript(world, events, destinations)
    this.expectedStats = new ExpectedSendStats(this.model, () => tally.messages)
    const incoming: ReceiveScript = { recvmmsg: 0, incoming: [], errorQueue: networkErrors(errorQueue) }
    this.#sending = new SendKernel(memory, this.#facts, this.script, this.expectedStats)
    this.#receiving = new ReceiveKernel(memory, incoming, {
      ...UNOBSERVED,
      errorQueueRead: (_fd, entry) => this.#noteError(entry),
    })
    this.#kernel = installKernel({
      sendmsg: (fd, header, flags) => {
        this.onCall()
        return this.#sending.sendmsg(fd, header, flags)
      },
      sendmmsg: (fd, headers, count, flags) => {
        this.onCall()
        return this.#sending.sendmmsg(fd, headers, count, flags)
      },
      recvmsg: (fd, header, flags) => this.#receiving.recvmsg(fd, header, flags),
      recvmmsg: (fd, headers, count, flags, timeout) => this.#receiving.recvmmsg(fd, headers, count, flags, timeout),
    })
    // The installation has reset the memory, so everything of the case is created after it.
    this.#maker = new MessageMaker(family, testCase.batch, memory)
    this.batch = new SendBatch({ ...testCase.batch })
  }

  /** Socket `index` of the case, opened when it is first used. */
  socket(index: number): OpenSocket {
    const known = this.#sockets[index]
    if (known !== undefined) return known
    const { family, sockets } = this.#case
    const { gso, recvErrors, connected } = sockets[index]
    const conn = BatchConn.open({ family, gso, recvErrors })
    const opened = { conn, facts: { fd: conn.fd, index, family, isConnected: connected, gso, recvErrors } }
    this.#sockets[index] = opened
    this.#facts.set(conn.fd, opened.facts)
    if (connected) conn.connect({ address: family === 'ipv4' ? '127.0.0.1' : '::ffff:127.0.0.1', port: 9 })
    return opened
  }

  /** Appends one message. The batch must accept it if, and only if, it is valid and there is space. */
  append(spec: MessageSpec): void {
    const { batch, model } = this
    const { length } = model.messages
    const { expected, isValid, append } = this.#maker.make(spec)
    const isAccepted = isValid && length < batch.capacity
    try {
      const index = append(batch)
      expect(isAccepted, () => `message ${length} was appended, and must be rejected`)
      expect(index === length, () => `append returned ${index}, not ${length}`)
    } catch (error) {
      if (error instanceof Violation || isAccepted || !(error instanceof RangeError)) throw error
      return
    } finally {
      if (isAccepted) model.messages.push(expected)
    }
    if (expected.reference !== undefined) memory.hold(expected.reference)
  }

  clear(): void {
    this.batch.clear()
    this.model.clear()
    memory.releaseAll()
  }

  /** Transfers the memory that a message references, if it does. */
  detach(index: number): void {
    const buffer = this.model.messages[index]?.reference?.buffer
    if (buffer instanceof ArrayBuffer && buffer.byteLength > 0) structuredClone(buffer, { transfer: [buffer] })
  }

  begin(): void {
    this.model.begin()
    this.expectedStats.begin()
    this.localErrors.clear()
  }

  /** From now on the kernel accepts everything. */
  cooperate(): void {
    this.#sending.script = new SendScript(COOPERATIVE_WORLD, [], [])
  }

  /** Makes the next receive return one datagram. */
  deliver(payload: Uint8Array, slotBytes: number): void {
    this.#receiving.slotBytes = slotBytes
    this.#receiving.script.incoming.push({ payload, flags: 0, name: new Uint8Array(0), control: [] })
  }

  /** Checks that the batch's numbers equal the model's. */
  checkNumbers(): void {
    const { batch, model } = this
    expect(batch.length === model.messages.length, () => `length is ${batch.length}, not ${model.messages.length}`)
    expect(batch.sent === model.position, () => `sent is ${batch.sent}; the model is at message ${model.position}`)
    const wrong = model.candidates.find((index) => !batch.isPending(index))
    expect(wrong === undefined, () => `message ${wrong} is not pending`)
    expect(batch.remaining === model.remaining, () => `remaining is ${batch.remaining}, not ${model.remaining}`)
  }

  /** Accepts fewer retries than the kernel saw: only the library knows where one attempt of `sendAll` ends. */
  acceptRetries({ conn, facts }: OpenSocket): void {
    const { sendRetries } = conn.stats
    const expected = this.expectedStats.of(facts)
    expect(sendRetries <= expected.sendRetries, () => `${sendRetries} retries, of ${expected.sendRetries} at most`)
    expected.sendRetries = sendRetries
  }

  /** Checks that the statistics of the sockets are what the kernel saw. */
  checkStats(): void {
    for (const socket of this.#sockets) {
      if (socket !== undefined) checkStats(socket.conn.stats, this.expectedStats.of(socket.facts))
    }
  }

  close(): void {
    this.#kernel.restore()
    for (const socket of this.#sockets) socket?.conn.close()
  }

  #noteError(entry: Stored | undefined): void {
    const data = entry?.arrival.control[0]?.data
    if (data !== undefined && data[4] === SO_EE_ORIGIN_LOCAL) this.localErrors.add(data[0] + data[1] * 256)
  }
}
