import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'

/**
 * The member of a `reusePort` group that the main thread keeps while others join and end. After they have ended, it
 * must receive every datagram sent to the port: a socket left open by a dead thread would receive some of them.
 */
export class Group {
  readonly #conn = BatchConn.open({ reusePort: true }).bind({ address: '127.0.0.1', port: 0 })
  readonly #arrived: string[] = []

  constructor() {
    this.#conn.onReadable(new RecvBatch(), (batch) => {
      for (const { bytes } of batch) {
        const text = String(bytes)
        // The other members send traffic to the port as well.
        if (text.startsWith(PREFIX)) this.#arrived.push(text)
      }
    })
  }

  get port(): number {
    return this.#conn.localAddress.port
  }

  /** Sends numbered datagrams, each from its own port. @returns the problems, if there are any */
  async check(): Promise<string[]> {
    const expected = Array.from({ length: SENDERS }, (_, index) => `${PREFIX}${index}`)
    for (const text of expected) {
      const sender = BatchConn.open()
      const out = new SendBatch({ capacity: 1 })
      out.append(text, this.#conn.localAddress)
      sender.send(out)
      sender.close()
    }
    for (let waits = 0; waits < 100 && this.#arrived.length < SENDERS; waits += 1) {
      await new Promise((resolve) => setTimeout(resolve, waits === 0 ? 1 : 10))
    }
    const got = this.#arrived.splice(0)
    if (got.sort().join() === expected.sort().join()) return []
    return [`${got.length} of ${SENDERS} datagrams reached the remaining member of the reusePort group`]
  }

  close(): void {
    this.#conn.close()
  }
}

const SENDERS = 64

const PREFIX = 'numbered '
