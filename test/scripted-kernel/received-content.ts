import type { Datagram, Endpoint, RecvBatch } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import type { Stored } from './incoming.js'
import { checkControl } from './received-control.js'
import type { RegisteredMemory } from './registered-memory.js'
import { expect } from './violation.js'

/** Compares what a batch returns by index with what the kernel stored. */
export function checkByIndex(inbox: RecvBatch, all: readonly Stored[], memory: RegisteredMemory): void {
  expect(inbox.length === all.length, () => `length is ${inbox.length}; the kernel stored ${all.length}`)
  for (const [index, stored] of all.entries()) {
    const { bytes, flags, buffers } = stored
    const name = `slot ${index}`
    expect(
      inbox.size(index) === bytes.byteLength,
      () => `${name} has size ${inbox.size(index)}, not ${bytes.byteLength}`,
    )
    const view = inbox.bytes(index)
    // An empty view has no position.
    const isInPlace = view.byteLength === 0 || memory.addressOfView(view) === buffers.payload
    expect(isInPlace, () => `${name}: the view is not at its slot`)
    expect(Buffer.compare(view, bytes) === 0, () => `${name}: ${view.byteLength} bytes, or not the stored ones`)
    expect(inbox.truncated(index) === ((flags & c.MSG_TRUNC) !== 0), () => `${name}: truncated`)
    expect(inbox.controlTruncated(index) === ((flags & c.MSG_CTRUNC) !== 0), () => `${name}: controlTruncated`)
    const segmentBytes = inbox.segmentBytes(index)
    const isWithin = segmentBytes <= bytes.byteLength && (segmentBytes > 0 || bytes.byteLength === 0)
    expect(isWithin, () => `${name}: segmentBytes ${segmentBytes} of ${bytes.byteLength}`)
    checkSource(inbox, index, stored)
    checkControl(inbox, index, stored)
  }
}

/**
 * Iterates the batch: the datagrams must be the stored bytes, each once and in order, and no view may leave its slot.
 *
 * @returns number of GRO buffers that were split
 */
export function checkIteration(inbox: RecvBatch, all: readonly Stored[], memory: RegisteredMemory): number {
  let [slot, offset, split] = [0, 0, 0]
  for (const datagram of inbox) {
    const stored = all[slot]
    expect(stored !== undefined, () => `iteration returns more than ${all.length} slots hold`)
    const { byteLength } = datagram.bytes
    const place = () => `slot ${slot}, datagram at ${offset}`
    const isInPlace = byteLength === 0 || memory.addressOfView(datagram.bytes) === stored.buffers.payload + offset
    expect(isInPlace, () => `${place()}: the view is elsewhere`)
    const end = offset + byteLength
    expect(end <= stored.bytes.byteLength, () => `${place()}: ${byteLength} bytes leave the ${stored.bytes.byteLength}`)
    const isEqual = Buffer.compare(datagram.bytes, stored.bytes.subarray(offset, end)) === 0
    expect(isEqual, () => `${place()}: other bytes than were stored`)
    const step = inbox.segmentBytes(slot)
    const isLast = end === stored.bytes.byteLength
    expect(byteLength === step || (isLast && byteLength < step), () => `${place()}: ${byteLength} bytes, not ${step}`)
    checkDatagram(datagram, inbox, slot, isLast)
    if (isLast && offset > 0) split += 1
    slot = isLast ? slot + 1 : slot
    offset = isLast ? 0 : end
  }
  expect(slot === all.length, () => `iteration ended in slot ${slot} of ${all.length}`)
  return split
}

function checkDatagram(datagram: Datagram, inbox: RecvBatch, slot: number, isLast: boolean): void {
  for (const member of MEMBERS) {
    const one = datagram[member]
    const other = inbox[member](slot)
    // A source with an invalid length may be another object each time.
    const isSame = one === other || (isSource(one) && isSource(other) && one.equals(other))
    expect(isSame, () => `slot ${slot}: ${member} is ${one} and ${other}`)
  }
  expect(datagram.truncated === (isLast && inbox.truncated(slot)), () => `slot ${slot}: truncated of one datagram`)
  const copy = datagram.copy()
  expect(Buffer.compare(copy.bytes, datagram.bytes) === 0, () => `slot ${slot}: the copy has other bytes`)
  expect(copy.bytes.buffer !== datagram.bytes.buffer, () => `slot ${slot}: the copy is a view`)
}

function checkSource(inbox: RecvBatch, index: number, { arrival, buffers }: Stored): void {
  const source = inbox.source(index)
  const { name, nameLength } = arrival
  if (nameLength === 0) expect(source === undefined, () => `slot ${index}: a source without an address`)
  const isPlain = nameLength === undefined && (name.byteLength === 16 || name.byteLength === buffers.nameBytes)
  if (!isPlain) return
  if (name[0] === c.AF_INET && name[1] === 0 && name.byteLength === 16) {
    const address = name.subarray(4, 8).join('.')
    expect(source?.address === address, () => `slot ${index}: source is ${source}, not ${address}`)
  }
  if (source !== undefined) {
    expect(source.port === name[2] * 256 + name[3], () => `slot ${index}: source is ${source}`)
  }
}

function isSource(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'equals' in value
}

const MEMBERS = [
  'source',
  'controlTruncated',
  'tos',
  'ecn',
  'ttl',
  'destination',
  'interfaceIndex',
  'timestampNs',
] as const
