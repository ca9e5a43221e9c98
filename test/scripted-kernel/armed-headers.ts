import { IOVEC, MMSGHDR, SOCKADDR_IN6_BYTES } from './abi.js'
import type { RegisteredMemory } from './registered-memory.js'
import { expect } from './violation.js'

/** Buffers that one header of a receive passes to the kernel. */
export interface ReceiveBuffers {
  readonly name: number
  readonly nameBytes: number
  readonly control: number
  readonly controlBytes: number
  readonly payload: number
  readonly payloadBytes: number
}

/**
 * Checks the headers of receives. In the first call with a header, its buffers must be registered and separate from all
 * others. Its lengths are then those of the buffers, and every later call must pass the same lengths again.
 */
export class ArmedHeaders {
  readonly #memory: RegisteredMemory
  readonly #known = new Map<number, ReceiveBuffers>()

  constructor(memory: RegisteredMemory) {
    this.#memory = memory
  }

  /**
   * Returns the buffers of `count` headers. @param payloadBytes - size of a slot; undefined if the library chooses it
   */
  read(headers: number, count: number, payloadBytes: number | undefined): ReceiveBuffers[] {
    this.#memory.bytes(headers, count * MMSGHDR.bytes, 'mmsghdr')
    const isNew = !this.#known.has(headers + (count - 1) * MMSGHDR.bytes)
    const all = Array.from({ length: count }, (_, index) => this.#check(headers + index * MMSGHDR.bytes, payloadBytes))
    if (isNew) this.#checkSeparate()
    return all
  }

  #check(header: number, payloadBytes: number | undefined): ReceiveBuffers {
    const memory = this.#memory
    expect(memory.long(header + MMSGHDR.iovLength, 'msg_iovlen') === 1, () => 'msg_iovlen is not 1')
    const iov = memory.long(header + MMSGHDR.iov, 'msg_iov')
    const buffers: ReceiveBuffers = {
      name: memory.long(header + MMSGHDR.name, 'msg_name'),
      nameBytes: memory.word(header + MMSGHDR.nameLength, 'msg_namelen'),
      control: memory.long(header + MMSGHDR.control, 'msg_control'),
      controlBytes: memory.long(header + MMSGHDR.controlLength, 'msg_controllen'),
      payload: memory.long(iov + IOVEC.base, 'iov_base'),
      payloadBytes: memory.long(iov + IOVEC.length, 'iov_len'),
    }
    const known = this.#known.get(header)
    if (known === undefined) {
      this.#checkFirst(buffers, payloadBytes)
      this.#known.set(header, buffers)
      return buffers
    }
    for (const member of MEMBERS) {
      expect(
        buffers[member] === known[member],
        () => `${member} is ${buffers[member]}, and ${known[member]} when armed`,
      )
    }
    return buffers
  }

  #checkFirst(buffers: ReceiveBuffers, payloadBytes: number | undefined): void {
    const { nameBytes, controlBytes } = buffers
    expect(nameBytes >= SOCKADDR_IN6_BYTES, () => `msg_namelen is ${nameBytes}: no room for IPv6`)
    expect(controlBytes >= 128, () => `msg_controllen is ${controlBytes}: too small for all control messages`)
    expect(
      payloadBytes === undefined || buffers.payloadBytes === payloadBytes,
      () => `iov_len is ${buffers.payloadBytes}`,
    )
    for (const { address, byteLength, what } of regionsOf(buffers)) this.#memory.bytes(address, byteLength, what)
  }

  #checkSeparate(): void {
    const regions = [...this.#known.values()].flatMap(regionsOf).sort((one, other) => one.address - other.address)
    for (const [index, { address, byteLength, what }] of regions.entries()) {
      const next = regions[index + 1]
      expect(next === undefined || address + byteLength <= next.address, () => `${what} and ${next?.what} overlap`)
    }
  }
}

interface Region {
  readonly address: number
  readonly byteLength: number
  readonly what: string
}

function regionsOf(buffers: ReceiveBuffers): Region[] {
  return [
    { address: buffers.name, byteLength: buffers.nameBytes, what: 'msg_name' },
    { address: buffers.control, byteLength: buffers.controlBytes, what: 'msg_control' },
    { address: buffers.payload, byteLength: buffers.payloadBytes, what: 'iov_base' },
  ]
}

const MEMBERS = ['name', 'nameBytes', 'control', 'controlBytes', 'payload', 'payloadBytes'] as const
