import type { RecvBatch } from '../../src/batch/recv-batch.js'
import { sockaddrWords } from '../../src/endpoint/endpoint.js'
import type { Endpoint } from '../../src/index.js'
import { ControlWriter } from '../../src/layout/control.js'
import { messageWords } from '../../src/layout/message.js'
import { addressOf } from '../../src/libc/libc.js'

/** One datagram as the kernel returns it. */
export interface Arrival {
  readonly payload?: string | Uint8Array
  /** `msg_len`, if it differs from the payload's length. */
  readonly length?: number
  readonly source?: Endpoint
  /** The `sockaddr` instead of an endpoint's. */
  readonly name?: Uint8Array
  /** `msg_namelen`, if it differs. */
  readonly nameLength?: number
  readonly flags?: number
  /** Control messages: level, type, data. */
  readonly control?: readonly (readonly [level: number, type: number, data: Uint8Array])[]
  /** `msg_controllen`, if it differs. */
  readonly controlLength?: number
}

/** Simulates `recvmmsg` on a batch: prepares it, writes headers, names, control messages and payloads, and fills it. */
export function arrive(batch: RecvBatch, arrivals: readonly Arrival[]): void {
  batch.slots.prepare()
  for (const [slot, arrival] of arrivals.entries()) writeSlot(batch, slot, arrival)
  batch.slots.fill(arrivals.length)
}

/** Returns the index of a slot's mmsghdr in the batch's `slots.words`. */
export function headerAt(batch: RecvBatch, slot: number): number {
  const { words, headersAddress } = batch.slots
  return (headersAddress - addressOf(words)) / 4 + slot * messageWords().stride
}

function writeSlot(batch: RecvBatch, slot: number, arrival: Arrival): void {
  const { slots } = batch
  const at = headerAt(batch, slot)
  const headers = Buffer.from(slots.words.buffer)
  const words = messageWords()
  const payload = Buffer.from(arrival.payload ?? '')
  payload.copy(slots.bytes, slots.payloadOffset(slot), 0, batch.slotBytes)
  const name = arrival.name ?? nameOf(arrival.source)
  headers.set(name, slots.nameAt(slot) * 4)
  slots.words[at + words.nameLength] = arrival.nameLength ?? name.byteLength
  const controlLength = writeControl(batch, slot, arrival.control ?? [])
  slots.words[at + words.controlLength] = arrival.controlLength ?? controlLength
  slots.words[at + words.flags] = arrival.flags ?? 0
  slots.words[at + words.length] = arrival.length ?? payload.byteLength
}

function nameOf(source: Endpoint | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array(0)
  return new Uint8Array(sockaddrWords(source).buffer)
}

function writeControl(batch: RecvBatch, slot: number, control: NonNullable<Arrival['control']>): number {
  const { view } = batch.slots
  const headers = Buffer.from(view.buffer)
  const writer = new ControlWriter(view)
  // After prepare, the length is that of the buffer.
  writer.reset(batch.slots.controlOffset(slot), batch.slots.controlLength(slot))
  for (const [level, type, data] of control) headers.set(data, writer.append(level, type, data.byteLength))
  return writer.byteLength
}
