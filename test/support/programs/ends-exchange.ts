import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import dropIn from '../../../src/dgram/index.js'
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../../../src/index.js'

/**
 * Sockets of the main thread that exchange datagrams with sockets of a worker that keeps running. Whatever happens to
 * other threads, each exchange must return all its datagrams, once each and in order.
 */
export class Exchange {
  readonly #echo: Worker
  readonly #conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  readonly #socket = dropIn.createSocket('udp4')
  readonly #ports: { library: number; dropIn: number }
  readonly #arrived = { library: [] as string[], dropIn: [] as string[] }
  #rounds = 0
  #onArrival = () => {}

  static async open(onBroken: (text: string) => void): Promise<Exchange> {
    const echo = new Worker(require.resolve('./ends-echo.js'))
    const [ports] = await once(echo, 'message')
    echo.on('error', (error) => onBroken(`the other worker failed: ${error.message}`))
    const exchange = new Exchange(echo, ports)
    exchange.#socket.bind(0, '127.0.0.1')
    await once(exchange.#socket, 'listening')
    return exchange
  }

  private constructor(echo: Worker, ports: { library: number; dropIn: number }) {
    this.#echo = echo
    this.#ports = ports
    this.#conn.onReadable(new RecvBatch(), (batch) => {
      for (const { bytes } of batch) this.#arrived.library.push(String(bytes))
      this.#onArrival()
    })
    this.#socket.on('message', (bytes) => {
      this.#arrived.dropIn.push(String(bytes))
      this.#onArrival()
    })
  }

  /** Sends numbered datagrams with both sockets. @returns the problems, if there are any */
  async round(): Promise<string[]> {
    this.#rounds += 1
    const expected = Array.from({ length: DATAGRAMS }, (_, index) => `${this.#rounds}:${index}`)
    const out = new SendBatch()
    const to = endpoint({ address: '127.0.0.1', port: this.#ports.library })
    for (const text of expected) {
      out.append(text, to)
      this.#socket.send(text, this.#ports.dropIn, '127.0.0.1')
    }
    const sent = this.#conn.send(out)
    const isComplete = await this.#complete()
    const problems = sent === DATAGRAMS ? [] : [`the main thread sent ${sent} of ${DATAGRAMS} datagrams`]
    for (const [socket, texts] of Object.entries(this.#arrived)) {
      const got = texts.splice(0)
      if (got.join() === expected.join()) continue
      const how = isComplete ? 'not as sent' : `incomplete after ${LIMIT_MS / 1000} s`
      problems.push(`exchange with another worker (${socket}) ${how}: ${got.length} of ${DATAGRAMS}`)
    }
    return problems
  }

  async close(): Promise<void> {
    this.#conn.close()
    this.#socket.close()
    await this.#echo.terminate()
  }

  /** Settles when both sockets have received as many datagrams as were sent, or with false at the timeout. */
  #complete(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), LIMIT_MS)
      this.#onArrival = () => {
        if (this.#arrived.library.length < DATAGRAMS || this.#arrived.dropIn.length < DATAGRAMS) return
        clearTimeout(timer)
        resolve(true)
      }
      this.#onArrival()
    })
  }
}

const DATAGRAMS = 32

const LIMIT_MS = 30_000
