import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { checkStats, ExpectedReceiveStats } from './expected-stats.js'
import { installKernel, memory } from './kernel.js'
import { networkErrors } from './network-errors.js'
import type { SocketFacts } from './outgoing.js'
import type { ReceiveCase } from './receive-case.js'
import { ReceiveKernel } from './receive-kernel.js'
import { ReceiveModel, type ReceiveTally } from './receive-model.js'
import { judgeCalls, judgeCount, judgeReports, judgeThrown } from './receive-rules.js'
import { checkByIndex, checkIteration } from './received-content.js'
import { SendKernel } from './send-kernel.js'
import { SendModel } from './send-model.js'
import { COOPERATIVE_WORLD, SendScript } from './send-script.js'
import { newSendTally } from './send-tally.js'
import { expect, Violation } from './violation.js'

/** Runs one case of receiving. @throws Violation */
export function runReceiveCase(testCase: ReceiveCase, tally: ReceiveTally): void {
  const scene = new ReceiveScene(testCase, tally)
  try {
    for (const step of testCase.steps) {
      if (step.do === 'recv') scene.recv(step.socket)
      else scene.takeErrors(step.socket)
    }
    scene.receiveRest()
    scene.checkUsable()
  } finally {
    scene.close()
  }
}

class ReceiveScene {
  readonly #case: ReceiveCase
  readonly #model: ReceiveModel
  readonly #expectedStats: ExpectedReceiveStats
  readonly #kernel: ReceiveKernel
  readonly #installed: { restore(): void }
  readonly #inbox: RecvBatch
  readonly #sockets: (BatchConn | undefined)[] = []
  readonly #facts = new Map<number, SocketFacts>()

  constructor(testCase: ReceiveCase, tally: ReceiveTally) {
    const { batch, recvmmsg, incoming, errorQueue } = testCase
    this.#case = testCase
    this.#model = new ReceiveModel(tally)
    const script = { recvmmsg, incoming: [...incoming], errorQueue: networkErrors(errorQueue) }
    this.#expectedStats = new ExpectedReceiveStats(this.#model)
    this.#kernel = new ReceiveKernel(memory, script, this.#expectedStats)
    this.#kernel.slotBytes = batch.slotBytes
    const model = new SendModel({ capacity: 1, slotBytes: 16, coalesce: false, maxSegments: 64 }, newSendTally())
    model.messages.push({ destination: '127.0.0.1:9', options: '', datagrams: [FAREWELL], reference: undefined })
    const sending = new SendKernel(memory, this.#facts, new SendScript(COOPERATIVE_WORLD, [], []), model)
    this.#installed = installKernel({
      sendmsg: (fd, header, flags) => sending.sendmsg(fd, header, flags),
      sendmmsg: (fd, headers, count, flags) => sending.sendmmsg(fd, headers, count, flags),
      recvmsg: (fd, header, flags) => this.#kernel.recvmsg(fd, header, flags),
      recvmmsg: (fd, headers, count, flags, timeout) => this.#kernel.recvmmsg(fd, headers, count, flags, timeout),
    })
    this.#inbox = new RecvBatch({ ...batch })
  }

  /** One `recv`, with a check of its complete result. */
  recv(socketIndex: number): void {
    const conn = this.#socket(socketIndex)
    const facts = { fd: conn.fd, recvErrors: this.#case.recvErrors[socketIndex] }
    const isSingle = this.#case.recvmmsg !== 0 || this.#inbox.capacity === 1
    const model = this.#model
    model.begin()
    try {
      const count = conn.recv(this.#inbox)
      judgeCount(count, model, facts)
    } catch (error) {
      if (error instanceof Violation) throw error
      judgeThrown(error, model, facts)
      model.tally.errors += 1
    }
    judgeCalls(model, this.#case, isSingle)
    expect(facts.recvErrors || model.errorQueueReads === 0, () => 'the error queue was read without recvErrors')
    checkByIndex(this.#inbox, model.datagrams, memory)
    model.tally.datagrams += model.datagrams.length
    const split = checkIteration(this.#inbox, model.datagrams, memory)
    model.tally.splitBuffers += split
    this.#expectedStats.contained(conn.fd, this.#inbox.length, [...this.#inbox].length, split)
    checkStats(conn.stats, this.#expectedStats.of(conn.fd))
    const drops = conn.kernelDrops
    if (this.#case.countDrops)
      expect(Number.isSafeInteger(drops) && (drops ?? -1) >= 0, () => `kernelDrops is ${drops}`)
  }

  takeErrors(socketIndex: number): void {
    if (!this.#case.recvErrors[socketIndex]) return
    const conn = this.#socket(socketIndex)
    this.#model.begin()
    const reports = conn.takeErrors()
    judgeReports(reports, this.#model.kept(conn.fd).splice(0))
    this.#model.tally.networkErrors += reports.length
  }

  /** Receives everything left: after a bounded number of calls nothing may be left. */
  receiveRest(): void {
    const { incoming } = this.#kernel.script
    const limit = incoming.length + 2
    for (let calls = 0; incoming.length > 0; calls += 1) {
      expect(calls < limit, () => `${incoming.length} answers are left after ${limit} calls of recv`)
      this.recv(0)
    }
    this.recv(0)
    this.recv(0)
    expect(this.#model.owed(this.#socket(0).fd).length === 0, () => 'an error was never thrown')
    expect(this.#inbox.length === 0, () => 'recv returned a datagram that never arrived')
    this.takeErrors(0)
  }

  /** After the case, with a correct kernel, the batch and the socket must work as new ones do. */
  checkUsable(): void {
    this.#kernel.script = { recvmmsg: this.#case.recvmmsg, incoming: [], errorQueue: [] }
    this.#kernel.script.incoming.push({ payload: Uint8Array.of(7), flags: 0, name: new Uint8Array(0), control: [] })
    this.recv(0)
    expect(this.#inbox.length === 1 && this.#inbox.bytes(0)[0] === 7, () => 'a plain receive failed after the case')
    const out = new SendBatch({ capacity: 1, slotBytes: 16 })
    out.append(FAREWELL, PEER)
    expect(this.#socket(0).send(out) === 1, () => 'a plain send failed after the case')
  }

  close(): void {
    this.#installed.restore()
    for (const conn of this.#sockets) conn?.close()
  }

  #socket(index: number): BatchConn {
    const known = this.#sockets[index]
    if (known !== undefined) return known
    const { recvErrors, countDrops } = this.#case
    // A new descriptor has no GRO buffers; an adopted one may have them.
    const conn = BatchConn.adopt(BatchConn.open().release(), { recvErrors: recvErrors[index], countDrops })
    this.#sockets[index] = conn
    const facts = { fd: conn.fd, index, family: 'ipv4' as const, isConnected: false, gso: true }
    this.#facts.set(conn.fd, { ...facts, recvErrors: recvErrors[index] })
    return conn
  }
}

const FAREWELL = Buffer.from('farewell')

const PEER = endpoint({ address: '127.0.0.1', port: 9 })
