import { received, typeError } from '../arguments/errors.js'
import type { Messages } from '../batch/messages.js'
import { GRO_SLOT_BYTES, type ReceiveSide, receiveSideOf, slotTooSmall } from '../batch/recv-batch.js'
import { messagesOf } from '../batch/send-batch.js'

/** Returns the messages of a batch. @throws TypeError `ERR_INVALID_ARG_TYPE` */
export function assertSendBatch(batch: unknown): Messages {
  const messages = messagesOf(batch)
  if (messages !== undefined) return messages
  throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a SendBatch; ${received(batch)}`)
}

/**
 * Returns the native memory of a batch.
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_SLOT_TOO_SMALL` if a slot cannot hold a GRO buffer
 */
export function assertRecvBatch(batch: unknown, isForGro: boolean): ReceiveSide {
  const side = receiveSideOf(batch)
  if (side === undefined) throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a RecvBatch; ${received(batch)}`)
  if (isForGro && side.slots.slotBytes < GRO_SLOT_BYTES) throw slotTooSmall(side.slots.slotBytes)
  return side
}
