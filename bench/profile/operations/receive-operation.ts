import type { Operation } from '../../engine/sample.js'
import type { Work } from '../cases/work.js'
import { BatchConn, RecvBatch, SendBatch } from '../library.js'
import { receivingFrom } from './calls.js'

/**
 * Receives datagrams that are already queued. A socket of the same process sends them, which is not measured. How many can be
 * queued depends on the receive buffer, which net.core.rmem_max limits for ordinary users.
 *
 * @param receiveBufferBytes - requested size of the receive buffer
 * @throws Error if not even one batch fits the receive buffer
 */
export function receiveOperation(
  work: Extract<Work, { kind: 'receive' }>,
  receiveBufferBytes = BUFFER_BYTES,
): Operation {
  const { batch, repeat, sizeBytes, depth } = work
  const receiver = BatchConn.open({ receiveBufferBytes }).bind({ address: '127.0.0.1', port: 0 })
  const inbox = new RecvBatch({ capacity: batch, slotBytes: SLOT_BYTES })
  const receive = receivingFrom(depth, work.function, receiver, inbox)
  if (depth !== 'kernel' && depth !== 'library') {
    return {
      run: (count) => {
        let taken = 0
        for (let turn = 0; turn < count * repeat; turn += 1) taken += receive()
        return count * repeat * batch - taken
      },
    }
  }
  const messages = batch * repeat
  const granted = receiver.options.receiveBufferBytes
  const room = Math.min(MAX_QUEUED, Math.floor(granted / queuedBytes(sizeBytes)))
  if (room < messages) {
    const needed = messages * queuedBytes(sizeBytes)
    throw new Error(
      `${messages} queued datagrams need a receive buffer of ${needed} bytes, the kernel granted ${granted} ` +
        '(sysctl net.core.rmem_max)',
    )
  }
  const sender = BatchConn.open({ sendBufferBytes: BUFFER_BYTES }).connect(receiver.localAddress)
  const supply = new SendBatch({ capacity: SUPPLY_MESSAGES, slotBytes: Math.max(1, sizeBytes) })
  let queued = 0
  return {
    mostAtOnce: Math.floor(room / messages),
    ready: (count) => {
      while (queued < count * messages) {
        supply.clear()
        const some = Math.min(SUPPLY_MESSAGES, count * messages - queued)
        for (let message = 0; message < some; message += 1) supply.reserve(sizeBytes)
        queued += sender.send(supply)
      }
    },
    run: (count) => {
      let taken = 0
      for (let turn = 0; turn < count * repeat; turn += 1) taken += receive()
      queued = Math.max(0, queued - count * messages)
      return count * messages - taken
    },
  }
}

/**
 * Returns what the kernel charges the receive buffer for a queued datagram, at most: its data with headers and skb_shared_info,
 * rounded up to a power of two by the allocator, and the sk_buff (SKB_TRUESIZE, include/linux/skbuff.h).
 */
function queuedBytes(sizeBytes: number): number {
  return SK_BUFF_BYTES + 2 ** Math.ceil(Math.log2(sizeBytes + HEADER_AND_SHARED_BYTES))
}

const SK_BUFF_BYTES = 320
const HEADER_AND_SHARED_BYTES = 420
const SLOT_BYTES = 2048
const SUPPLY_MESSAGES = 64
const MAX_QUEUED = 4096
const BUFFER_BYTES = 16 * 2 ** 20
