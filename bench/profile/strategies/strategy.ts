import type { Address, Endpoint } from '../library.js'

/** What every strategy has to make ready: the same messages, from the same payloads. */
export interface StrategyPlan {
  readonly batch: number
  readonly sizeBytes: number
  readonly destination: Endpoint
}

/** One way of turning a batch of messages into the structures that sendmmsg(2) reads. */
export interface Strategy {
  /** Makes all messages of the batch ready, as for each send. */
  prepare(): void
  /** Makes them ready and sends them: what sendmmsg(2) gives. */
  prepareAndSend(fd: number, flags: number): number
  /** Makes them ready and shows where: the address of the first `mmsghdr`, good only until `look` returns. */
  inspect(look: (headers: Address) => void): void
}

/** A strategy and how to have it. */
export interface StrategyDefinition {
  readonly name: string
  /** In a few words. */
  readonly describe: string
  /** @throws Error if this machine or installation lacks what it needs */
  open(plan: StrategyPlan): Strategy
}
