import { type Address, Arena, type Endpoint, libc, SOCKADDR_SLOT_BYTES, sockaddrWords, structs } from '../library.js'

/** What every encoder prepares: the same messages, from the same payloads. */
export interface EncoderPlan {
  readonly batch: number
  readonly sizeBytes: number
  readonly destination: Endpoint
}

/** One way to convert a batch of messages to the structures that sendmmsg(2) reads. */
interface Encoder {
  /** @returns the address of the first `mmsghdr`, valid until the next call; 0 if it exists during a system call only */
  prepare(): Address
  /** Prepares and sends them. @returns the result of sendmmsg(2) */
  prepareAndSend(fd: number, flags: number): number
}

export interface EncoderDefinition {
  readonly name: string
  readonly describe: string
  /** @throws Error if this machine or installation lacks what it needs */
  open(plan: EncoderPlan): Encoder
}

/** Makes an encoder of a function that prepares a batch and returns the address of its first header. */
export function encoderOf(batch: number, prepare: () => Address): Encoder {
  const { sendmmsg } = libc()
  return { prepare, prepareAndSend: (fd, flags) => sendmmsg(fd, prepare(), batch, flags) }
}

/**
 * Defines an encoder that fills structures in one block of memory.
 *
 * @param open - returns the function that prepares a batch
 */
export function storing(name: string, describe: string, open: (memory: Memory) => () => Address): EncoderDefinition {
  return { name, describe, open: (plan) => encoderOf(plan.batch, open(memoryOf(plan))) }
}

type Memory = ReturnType<typeof memoryOf>

function memoryOf(plan: EncoderPlan) {
  const { batch, destination } = plan
  const { iovec, mmsghdr, pointerBytes } = structs()
  if (pointerBytes !== 8) throw new Error('it supports 64-bit machines only')
  const sizes = { headers: batch * mmsghdr.bytes, iovecs: batch * iovec.bytes, names: batch * SOCKADDR_SLOT_BYTES }
  const words = sockaddrWords(destination)
  const sockaddr = Buffer.from(Buffer.from(words.buffer, words.byteOffset, words.byteLength))
  return { ...plan, payloads: makePayloads(plan), structures: new Arena(sizes), sockaddr }
}

/** Allocates the payloads of a batch, each on cache lines of its own; `offsets` are those in `bytes`. */
export function makePayloads({ batch, sizeBytes }: EncoderPlan) {
  const stride = Math.ceil(Math.max(1, sizeBytes) / 64) * 64
  const arena = new Arena({ payloads: batch * stride })
  const { address, offset } = arena.slabs.payloads
  const starts = Array.from({ length: batch }, (_, index) => index * stride)
  return {
    bytes: arena.bytes,
    addresses: starts.map((start) => address + start),
    offsets: starts.map((start) => offset + start),
    owner: arena,
  }
}
