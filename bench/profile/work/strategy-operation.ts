import { type BatchConn, endpoint, MSG_DONTWAIT, MSG_NOSIGNAL } from '../library.js'
import { STRATEGIES } from '../strategies/strategies.js'
import type { Strategy } from '../strategies/strategy.js'
import { openSendingSocket } from './socket.js'
import type { Operation, Work } from './work.js'

/** Prepares a batch in one strategy's way, and sends it if asked to: `sendmmsg` on an unconnected socket. */
export class StrategyOperation implements Operation {
  readonly mostAtOnce = Number.POSITIVE_INFINITY
  readonly #conn: BatchConn
  readonly #strategy: Strategy
  readonly #messages: number
  readonly #withCall: boolean

  constructor(work: Extract<Work, { kind: 'strategy' }>, to: { address: string; port: number }) {
    const definition = STRATEGIES.find(({ name }) => name === work.strategy)
    if (definition === undefined) throw new Error(`there is no strategy ${work.strategy}`)
    this.#conn = openSendingSocket(to, false).conn
    this.#strategy = definition.open({ batch: work.batch, sizeBytes: work.sizeBytes, destination: endpoint(to) })
    this.#messages = work.batch
    this.#withCall = work.withCall
  }

  ready(): void {}

  run(count: number): number {
    const strategy = this.#strategy
    if (!this.#withCall) {
      for (let turn = 0; turn < count; turn += 1) strategy.prepare()
      return 0
    }
    const { fd } = this.#conn
    let short = count * this.#messages
    for (let turn = 0; turn < count; turn += 1) short -= strategy.prepareAndSend(fd, FLAGS)
    return short
  }

  close(): void {
    this.#conn.close()
  }
}

const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL
