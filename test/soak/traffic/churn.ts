import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { BatchConn, RecvBatch } from '../../../src/index.js'
import type { ChurnWorkerData } from './churn-worker.js'
import { readDatagram } from './payload.js'
import type { ChurnCounts } from './protocol.js'

/**
 * Starts workers that send, and terminates each while it sends. The counts of such a worker are lost with it. So the
 * number of received datagrams has two bounds: at least the number that the library reported as accepted, and at most
 * the number passed to the library, without a gap.
 */
export class Churn {
  readonly #problems: string[] = []
  readonly #inbox = new RecvBatch()
  #workers = 0
  #datagrams = 0
  #isOver = false
  #ended: Promise<void> = Promise.resolve()

  get counts(): ChurnCounts {
    return { workers: this.#workers, datagrams: this.#datagrams, problems: this.#problems }
  }

  start(): void {
    this.#ended = this.#run()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#ended
  }

  async #run(): Promise<void> {
    using conn = BatchConn.open({ receiveBufferBytes: 1 << 20 }).bind({ address: '127.0.0.1', port: 0 })
    while (!this.#isOver) {
      await this.#life(conn)
      await sleep(PAUSE_MS)
    }
  }

  async #life(conn: BatchConn): Promise<void> {
    const flow = FIRST_FLOW + (this.#workers % FLOWS)
    this.#workers += 1
    const shared = new SharedArrayBuffer(8)
    const workerData: ChurnWorkerData = {
      flow,
      port: conn.localAddress.port,
      isDropIn: this.#workers % 2 === 0,
      shared,
    }
    const worker = new Worker(join(__dirname, 'churn-worker.js'), { workerData })
    worker.on('error', (error) => this.#problems.push(`a worker failed: ${error.stack}`))
    const counts = new Int32Array(shared)
    await until(() => counts[1] > 0)
    await sleep(Math.random() * LIFE_MS)
    await worker.terminate()
    this.#check(conn, flow, counts)
  }

  #check(conn: BatchConn, flow: number, [offered, accepted]: Int32Array): void {
    let arrived = 0
    while (conn.recv(this.#inbox) > 0) {
      for (const { bytes } of this.#inbox) {
        const header = readDatagram(bytes)
        const isNext = typeof header === 'object' && header.flow === flow && header.sequence === arrived
        if (!isNext) this.#problems.push(`a terminated worker sent ${JSON.stringify(header)} as datagram ${arrived}`)
        arrived += 1
      }
    }
    this.#datagrams += arrived
    if (arrived >= accepted && arrived <= offered) return
    const range = `${accepted} were accepted and ${offered} handed over`
    this.#problems.push(`${arrived} datagrams of a terminated worker arrived, and ${range}`)
  }
}

/** Settles when the condition holds, or after 10 seconds. */
async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 10_000 && !condition(); waited += 5) await sleep(5)
}

const FIRST_FLOW = 40_000
const FLOWS = 20_000
const PAUSE_MS = 300
const LIFE_MS = 100
