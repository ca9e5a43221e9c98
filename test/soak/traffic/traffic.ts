import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSocket } from '../../../src/dgram/index.js'
import { BatchConn } from '../../../src/index.js'
import { Churn } from './churn.js'
import { ConnPeer } from './conn-peer.js'
import { DropInPeer } from './drop-in-peer.js'
import { isInjected } from './injected-faults.js'
import type { PeerOptions, SoakSocket } from './peer.js'
import type { Answer, Command, Credit, Descriptors, ProcessCounts, ProcessEvent } from './protocol.js'
import { WorkerPeer } from './worker-peer.js'

/**
 * A process with traffic: opens sockets, sends and receives as its parent commands, and samples its own memory.
 * Requires --expose-gc.
 */
class TrafficProcess {
  readonly #sockets = new Map<string, SoakSocket>()
  /** Name of the socket at which each flow from this process starts. */
  readonly #senders = new Map<number, string>()
  readonly #churn = new Churn()
  readonly #leak: unknown[] = []
  #leakedBytes = 0
  #before: readonly string[] = []
  #signals = 0
  #sampling: NodeJS.Timeout | undefined
  #isOver = false
  #delivered = 0

  constructor() {
    for (const signal of ['SIGUSR2', 'SIGCHLD'] as const) {
      process.on(signal, () => {
        this.#signals += 1
      })
    }
    // Ctrl-C sends SIGINT to all processes of the terminal: the parent ends this one.
    process.on('SIGINT', () => {})
  }

  async run(command: Command): Promise<unknown> {
    switch (command.do) {
      case 'begin':
        return this.#begin(command.sampleMs)
      case 'open':
        return this.#open(command.options)
      case 'open again':
        return this.#socket(command.name).open()
      case 'update':
        return this.#socket(command.name).update(command.flow, command.changes)
      case 'credit':
        return this.#takeCredit(command.costs)
      case 'counts':
        return this.#counts()
      case 'churn':
        return this.#churn.start()
      case 'end':
        return this.#end()
      default:
        return this.#socket(command.name)[command.do]()
    }
  }

  /**
   * Uses each kind of socket once, so that descriptors that the library opens once per process are open before the
   * first count.
   */
  async #begin(sampleMs: number): Promise<void> {
    await warmUp()
    this.#before = openDescriptors()
    this.#sampling = setInterval(() => this.#sample(), sampleMs)
    void this.#credit()
  }

  async #open(options: PeerOptions): Promise<number> {
    const { name, api } = options.spec
    const socket =
      api === 'worker' ? new WorkerPeer(options) : new { BatchConn: ConnPeer, 'drop-in': DropInPeer }[api](options)
    const granted = await socket.open()
    this.#sockets.set(name, socket)
    for (const flow of options.outgoing) this.#senders.set(flow.id, name)
    return granted
  }

  async #counts(): Promise<ProcessCounts> {
    const sockets = await Promise.all([...this.#sockets.values()].map((socket) => socket.counts()))
    return { sockets, churn: this.#churn.counts, signals: this.#signals }
  }

  /** Reports periodically to the senders how much their receivers have read. */
  async #credit(): Promise<void> {
    while (!this.#isOver) {
      const costs: Record<number, number> = {}
      let delivered = 0
      for (const received of await Promise.all([...this.#sockets.values()].map((socket) => socket.received()))) {
        for (const [flow, { cost, ...counts }] of Object.entries(received)) {
          costs[Number(flow)] = cost
          delivered += counts.delivered
        }
      }
      this.#delivered = delivered
      const elsewhere = this.#takeCredit(costs)
      if (Object.keys(elsewhere).length > 0) print({ event: 'credit', costs: elsewhere })
      await sleep(CREDIT_MS)
    }
  }

  /** Returns the costs of the flows that start in other processes. */
  #takeCredit(costs: Credit['costs']): Credit['costs'] {
    const elsewhere: Record<number, number> = {}
    for (const [flow, creditedCost] of Object.entries(costs)) {
      const sender = this.#senders.get(Number(flow))
      if (sender === undefined) elsewhere[Number(flow)] = creditedCost
      else this.#socket(sender).update(Number(flow), { creditedCost })
    }
    return elsewhere
  }

  #sample(): void {
    const seconds = performance.now() / 1000
    // In proportion to time: samples are irregular on a busy machine, and a leak per sample would then be no straight line.
    if (isInjected('memory-leak')) this.#leakUntil(seconds * LEAK_BYTES_PER_SECOND)
    if (isInjected('descriptor-leak')) this.#leak.push(BatchConn.open())
    globalThis.gc?.()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    const memory = { rss, heapUsed, external, arrayBuffers }
    print({ event: 'sample', seconds, ...memory, descriptors: openDescriptors().length, delivered: this.#delivered })
  }

  #leakUntil(bytes: number): void {
    for (; this.#leakedBytes < bytes; this.#leakedBytes += LEAK_BYTES) this.#leak.push(Buffer.alloc(LEAK_BYTES, 1))
  }

  async #end(): Promise<Descriptors> {
    clearInterval(this.#sampling)
    this.#isOver = true
    await this.#churn.stop()
    // Descriptors of handles are closed in the next loop iterations.
    await sleep(200)
    return { before: this.#before, after: openDescriptors() }
  }

  #socket(name: string): SoakSocket {
    const socket = this.#sockets.get(name)
    if (socket === undefined) throw new Error(`there is no socket ${name}`)
    return socket
  }
}

/** Target of each descriptor of this process: `socket:[1234]`, or the path of a file. */
function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)]
    } catch {
      // Descriptor of the listing itself.
      return []
    }
  })
}

async function warmUp(): Promise<void> {
  using conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  await conn.readable({ signal: AbortSignal.timeout(1) }).catch(() => {})
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.close()
  await once(socket, 'close')
}

function print(line: Answer | ProcessEvent): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const CREDIT_MS = 10
const LEAK_BYTES = 1 << 20
const LEAK_BYTES_PER_SECOND = 32 << 20

const traffic = new TrafficProcess()
createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { id, ...command } = JSON.parse(line) as Command & { id: number }
    try {
      print({ id, result: await traffic.run(command as Command) })
    } catch (error) {
      print({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  // The parent has ended, or ends this process.
  .on('close', () => process.exit())
