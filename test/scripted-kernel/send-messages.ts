import { type Endpoint, endpoint, type MessageOptions, type SendBatch } from '../../src/index.js'
import { MAX_PAYLOAD_BYTES } from './abi.js'
import { splitPayload } from './outgoing.js'
import type { RegisteredMemory } from './registered-memory.js'
import type { BatchSpec, MessageSpec } from './send-case.js'

/** One message as the kernel must receive it. */
export interface Expected {
  readonly destination: string
  readonly options: string
  readonly datagrams: readonly Uint8Array[]
  /** The caller's memory that the batch refers to. */
  readonly reference: Uint8Array | undefined
}

/** A message ready to be appended. */
export interface Prepared {
  readonly expected: Expected
  /** False if the batch must reject it with a RangeError, even if it has space. */
  readonly isValid: boolean
  append(batch: SendBatch): number
}

/** Makes payloads, options and destinations from specifications. One object per case. */
export class MessageMaker {
  readonly #family: 'ipv4' | 'ipv6'
  readonly #batch: BatchSpec
  readonly #memory: RegisteredMemory
  readonly #pool = new ArrayBuffer(4096)
  #poolUsed = 0
  #serial = 0

  constructor(family: 'ipv4' | 'ipv6', batch: BatchSpec, memory: RegisteredMemory) {
    this.#family = family
    this.#batch = batch
    this.#memory = memory
    memory.declareExternal(this.#pool)
  }

  make(spec: MessageSpec): Prepared {
    this.#serial += 1
    const { isHuge, destination: place } = spec
    const way = isHuge ? 'reference' : spec.way
    const isReference = way === 'reference' || way === 'shared'
    const byteLength = isHuge
      ? HUGE_BYTES + spec.size
      : isReference
        ? spec.size
        : Math.min(spec.size, this.#batch.slotBytes)
    const payload = payloadBytes(this.#serial, byteLength)
    const target = DESTINATIONS[this.#family][place]
    const segmentBytes = spec.segment === 0 ? 0 : isHuge ? 1000 + 64 * spec.segment : spec.segment
    const { options, text } = optionsOf(spec.options, target, segmentBytes)
    const reference = isReference ? this.#referenceTo(payload, way === 'shared') : undefined
    const isGso = segmentBytes > 0 && byteLength > segmentBytes
    const isTooLong =
      Math.ceil(byteLength / segmentBytes) > this.#batch.maxSegments || byteLength > MAX_PAYLOAD_BYTES[target.layer]
    return {
      expected: { destination: target.text, options: text, datagrams: splitPayload(payload, segmentBytes), reference },
      isValid: !(isGso && isTooLong),
      append: (batch) => append(batch, way, reference ?? payload, target.endpoint, options),
    }
  }

  #referenceTo(payload: Uint8Array, isShared: boolean): Uint8Array {
    const fitsPool = isShared && this.#poolUsed + payload.byteLength + 1 <= this.#pool.byteLength
    const buffer = fitsPool ? this.#pool : new ArrayBuffer(payload.byteLength + 2 * MARGIN_BYTES)
    const offset = fitsPool ? this.#poolUsed : MARGIN_BYTES
    if (fitsPool) this.#poolUsed += payload.byteLength + 1
    this.#memory.declareExternal(buffer)
    const view = new Uint8Array(buffer, offset, payload.byteLength)
    view.set(payload)
    return view
  }
}

function append(
  batch: SendBatch,
  way: MessageSpec['way'],
  payload: Uint8Array,
  destination: Endpoint | undefined,
  options: MessageOptions | undefined,
): number {
  const { buffer, byteOffset, byteLength } = payload
  switch (way) {
    case 'text':
      return batch.append(Buffer.from(payload).toString('latin1'), destination, options)
    case 'pieces': {
      const half = byteLength >>> 1
      const text = Buffer.from(payload.subarray(half)).toString('latin1')
      return batch.append([payload.subarray(0, half), text], destination, options)
    }
    case 'view':
      return batch.append(new DataView(buffer, byteOffset, byteLength), destination, options)
    case 'reserve':
      batch.reserve(byteLength, destination, options).set(payload)
      return batch.length - 1
    case 'reference':
    case 'shared':
      return batch.appendReference(payload, destination, options)
    default:
      return batch.append(payload, destination, options)
  }
}

/** Bytes that differ from message to message. All are ASCII, so that they can be sent as text too. */
function payloadBytes(serial: number, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength)
  for (let at = 0; at < byteLength; at += 1) bytes[at] = 32 + ((serial * 37 + at * 11 + (at >>> 7)) % 95)
  return bytes
}

function optionsOf(
  index: number,
  { layer, text: destination }: Destination,
  segmentBytes: number,
): { options: MessageOptions | undefined; text: string } {
  const segment = segmentBytes === 0 ? {} : { segmentBytes }
  const { options, text } = OPTIONS[index][layer]
  // The batch does not know the family of the connected peer.
  const isUnusable = destination === '' && options?.interfaceIndex !== undefined && options.source === undefined
  if (isUnusable) return { options: segment, text: '' }
  if (segmentBytes === 0) return { options, text }
  return { options: { ...options, ...segment }, text }
}

interface Destination {
  readonly endpoint: Endpoint | undefined
  readonly text: string
  readonly layer: 'ipv4' | 'ipv6'
}

/** A destination that the sockets of the case cannot send to. */
export const OTHER_FAMILY = 'other family'

/** Three destinations, the connected peer, and a destination of another family. */
export const DESTINATIONS: Record<'ipv4' | 'ipv6', readonly Destination[]> = {
  ipv4: [
    { endpoint: endpoint({ address: '127.0.0.1', port: 9 }), text: '127.0.0.1:9', layer: 'ipv4' },
    { endpoint: endpoint({ address: '127.0.0.1', port: 515 }), text: '127.0.0.1:515', layer: 'ipv4' },
    { endpoint: endpoint({ address: '198.51.100.7', port: 65535 }), text: '198.51.100.7:65535', layer: 'ipv4' },
    { endpoint: undefined, text: '', layer: 'ipv4' },
    { endpoint: endpoint({ address: '::1', port: 9 }), text: OTHER_FAMILY, layer: 'ipv6' },
  ],
  ipv6: [
    { endpoint: endpoint({ address: '::1', port: 9 }), text: `${'0'.repeat(31)}1:9`, layer: 'ipv6' },
    {
      endpoint: endpoint({ address: '2001:db8::7', port: 515 }),
      text: '20010db8000000000000000000000007:515',
      layer: 'ipv6',
    },
    {
      endpoint: endpoint({ address: '::ffff:127.0.0.2', port: 65535 }),
      text: '00000000000000000000ffff7f000002:65535',
      layer: 'ipv4',
    },
    { endpoint: undefined, text: '', layer: 'ipv4' },
    { endpoint: endpoint({ address: '127.0.0.1', port: 9 }), text: OTHER_FAMILY, layer: 'ipv4' },
  ],
}

interface OptionSet {
  readonly options: MessageOptions | undefined
  /** Their effect, as `Outgoing` has it. */
  readonly text: string
}

const plain = (options: MessageOptions | undefined, text: string) => ({
  ipv4: { options, text },
  ipv6: { options, text },
})

const OPTIONS: readonly Record<'ipv4' | 'ipv6', OptionSet>[] = [
  plain(undefined, ''),
  plain({ ttl: 7 }, 'ttl=7'),
  plain({ ecn: 1 }, 'tos=1'),
  plain({ tos: 0xb9, ecn: 2 }, 'tos=186'),
  plain({ tos: 255, ttl: 255, txTimeNs: 2n ** 63n + 5n }, 'tos=255 ttl=255 txtime=9223372036854775813'),
  {
    ipv4: { options: { source: '127.0.0.9' }, text: 'interface=0 source=127.0.0.9' },
    ipv6: { options: { source: '2001:db8::9' }, text: 'interface=0 source=20010db8000000000000000000000009' },
  },
  {
    ipv4: { options: { interfaceIndex: 3 }, text: 'interface=3 source=0.0.0.0' },
    ipv6: { options: { interfaceIndex: 3 }, text: `interface=3 source=${'0'.repeat(32)}` },
  },
  {
    ipv4: {
      options: { ttl: 1, tos: 4, ecn: 3, source: '127.0.0.8', interfaceIndex: 2, txTimeNs: 1n },
      text: 'tos=7 ttl=1 interface=2 source=127.0.0.8 txtime=1',
    },
    ipv6: {
      options: { ttl: 1, tos: 4, ecn: 3, source: '::1', interfaceIndex: 2, txTimeNs: 1n },
      text: `tos=7 ttl=1 interface=2 source=${'0'.repeat(31)}1 txtime=1`,
    },
  },
]

/** A little less than the largest datagram. */
const HUGE_BYTES = 65_500

/** Bytes before and after a reference, which must not be sent. */
const MARGIN_BYTES = 3
