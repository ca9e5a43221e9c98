import { received, typeError } from '../arguments/errors.js'
import type { Messages } from '../batch/messages.js'
import { type ReceiveSide, receiveSideOf } from '../batch/recv-batch.js'
import { messagesOf } from '../batch/send-batch.js'

/** Returns the messages of a batch. @throws TypeError `ERR_INVALID_ARG_TYPE` */
export function assertSendBatch(batch: unknown): Messages {
  const messages = messagesOf(batch)
  if (messages !== undefined) return messages
  throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a SendBatch; ${received(batch)}`)
}

/** Returns the native memory of a batch. @throws TypeError `ERR_INVALID_ARG_TYPE` */
export function assertRecvBatch(batch: unknown): ReceiveSide {
  const side = receiveSideOf(batch)
  if (side !== undefined) return side
  throw typeError('ERR_INVALID_ARG_TYPE', `batch must be a RecvBatch; ${received(batch)}`)
}
