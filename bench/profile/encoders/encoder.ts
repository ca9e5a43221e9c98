import { type Address, Arena, type Endpoint, libc, sockaddrWords } from '../library.js'

/** What every encoder prepares: the same messages, from the same payloads. */
export interface EncoderPlan {
  readonly batch: number
  readonly sizeBytes: number
  readonly destination: Endpoint
}

/** One way to convert a batch of messages to the structures that sendmmsg(2) reads. */
export interface Encoder {
  /** Prepares all messages of the batch. */
  prepare(): void
  /** Prepares and sends them. @returns the result of sendmmsg(2) */
  prepareAndSend(fd: number, flags: number): number
  /** Prepares them and passes the address of the first `mmsghdr`, which is valid until `look` returns. */
  inspect(look: (headers: Address) => void): void
}

/** An encoder, and how to open it. */
export interface EncoderDefinition {
  readonly name: string
  readonly describe: string
  /** @throws Error if this machine or installation lacks what it needs */
  open(plan: EncoderPlan): Encoder
}

/** The payloads of a batch, each on cache lines of its own. */
export interface Payloads {
  readonly bytes: Buffer
  readonly addresses: readonly Address[]
  /** Where each starts in `bytes`. */
  readonly offsets: readonly number[]
  /** Keeps the memory alive. */
  readonly owner: object
}

export function makePayloads({ batch, sizeBytes }: EncoderPlan): Payloads {
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

/** Returns the destination's `sockaddr` as bytes of its own. */
export function sockaddrOf({ destination }: EncoderPlan): Buffer {
  const { buffer, byteOffset, byteLength } = sockaddrWords(destination)
  return Buffer.from(Buffer.from(buffer, byteOffset, byteLength))
}

/** An encoder whose structures stay in one place, where `prepare` writes them. */
export function preparedInPlace(headers: Address, batch: number, prepare: () => void): Encoder {
  const { sendmmsg } = libc()
  return {
    prepare,
    prepareAndSend: (fd, flags) => {
      prepare()
      return sendmmsg(fd, headers, batch, flags)
    },
    inspect: (look) => {
      prepare()
      look(headers)
    },
  }
}
