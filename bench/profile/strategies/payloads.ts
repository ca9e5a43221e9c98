import { type Address, Arena, sockaddrWords } from '../library.js'
import type { StrategyPlan } from './strategy.js'

/** The payloads of a batch, a slot each on cache lines of its own, and their addresses. */
export interface Payloads {
  readonly bytes: Buffer
  readonly addresses: readonly Address[]
  /** Where each starts in `bytes`. */
  readonly offsets: readonly number[]
  /** Holds the memory in place. */
  readonly owner: object
}

export function makePayloads({ batch, sizeBytes }: StrategyPlan): Payloads {
  const stride = Math.ceil(Math.max(1, sizeBytes) / 64) * 64
  const arena = new Arena({ payloads: batch * stride })
  const { address, offset } = arena.slabs.payloads
  const indexes = Array.from({ length: batch }, (_, index) => index)
  return {
    bytes: arena.bytes,
    addresses: indexes.map((index) => address + index * stride),
    offsets: indexes.map((index) => offset + index * stride),
    owner: arena,
  }
}

/** A `sockaddr` of its own, as bytes. */
export function sockaddrOf({ destination }: StrategyPlan): Buffer {
  const { buffer, byteOffset, byteLength } = sockaddrWords(destination)
  return Buffer.from(Buffer.from(buffer, byteOffset, byteLength))
}
