import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Received, SocketCounts } from '../plan/flow.js'
import type { BlockingCommand, BlockingCounts, BlockingWorkerData } from './blocking-worker.js'
import type { OutgoingChanges } from './outgoing.js'
import type { PeerOptions, SoakSocket } from './peer.js'

/** Main thread's end of a blocking worker. `shut` terminates the worker. */
export class WorkerPeer implements SoakSocket {
  readonly #options: PeerOptions
  readonly #windows = new Map<number, number>()
  #worker: Worker | undefined
  #latest: BlockingCounts = { states: {}, received: {}, kernelDrops: 0, problems: [] }
  #lastRequest: Promise<void> = Promise.resolve()
  #signals: NodeJS.Timeout | undefined

  constructor(options: PeerOptions) {
    this.#options = options
  }

  async open(): Promise<number> {
    const workerData: BlockingWorkerData = { ...this.#options, earlier: this.#latest }
    const worker = new Worker(join(__dirname, 'blocking-worker.js'), { workerData })
    const [{ thread, receiveBufferBytes }] = await once(worker, 'message')
    this.#worker = worker
    // A signal sent to a thread's number is delivered to that thread (complete_signal in kernel/signal.c), and
    // interrupts its blocking call.
    this.#signals = setInterval(() => signalThread(thread), SIGNAL_EVERY_MS)
    for (const [flow, windowCost] of this.#windows) this.update(flow, { windowCost })
    return receiveBufferBytes
  }

  connect(): void {
    this.#worker?.postMessage({ do: 'connect' } satisfies BlockingCommand)
  }

  resume(): void {
    this.#worker?.postMessage({ do: 'resume' } satisfies BlockingCommand)
  }

  async pause(): Promise<void> {
    await this.#request({ do: 'pause' })
  }

  shut(): Promise<void> {
    return this.#requestLast({ do: 'counts' })
  }

  close(): Promise<void> {
    return this.#requestLast({ do: 'close' })
  }

  update(flow: number, changes: OutgoingChanges): void {
    if (changes.windowCost !== undefined) this.#windows.set(flow, changes.windowCost)
    this.#worker?.postMessage({ do: 'update', flow, changes } satisfies BlockingCommand)
  }

  async counts(): Promise<SocketCounts> {
    await this.#request({ do: 'counts' })
    const { states, received, kernelDrops, problems } = this.#latest
    const sent = Object.fromEntries(Object.entries(states).map(([flow, { counts }]) => [flow, counts]))
    return { name: this.#options.spec.name, sent, received, kernelDrops, problems }
  }

  async received(): Promise<Record<number, Received>> {
    await this.#request({ do: 'counts' })
    return this.#latest.received
  }

  #request(command: BlockingCommand): Promise<void> {
    return this.#enqueue((worker) => this.#exchange(worker, command))
  }

  /** Sends the last request, and terminates the worker before another request can follow. */
  #requestLast(command: BlockingCommand): Promise<void> {
    clearInterval(this.#signals)
    return this.#enqueue(async (worker) => {
      await this.#exchange(worker, command)
      this.#worker = undefined
      await worker.terminate()
    })
  }

  async #exchange(worker: Worker, command: BlockingCommand): Promise<void> {
    const answer = once(worker, 'message')
    worker.postMessage(command)
    const [counts] = await answer
    this.#latest = counts
  }

  /** Sends one request at a time: the next message of the worker is its response. */
  #enqueue(act: (worker: Worker) => Promise<void>): Promise<void> {
    this.#lastRequest = this.#lastRequest.then(() => (this.#worker === undefined ? undefined : act(this.#worker)))
    return this.#lastRequest
  }
}

function signalThread(thread: number): void {
  try {
    for (const signal of ['SIGUSR2', 'SIGCHLD']) process.kill(thread, signal)
  } catch {
    // The worker has failed, and its pending `error` event will end this process.
  }
}

const SIGNAL_EVERY_MS = 50
