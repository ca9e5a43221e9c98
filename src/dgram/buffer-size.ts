import type { BatchConn } from '../socket/batch-conn.js'
import { warnOfReceiveBuffer } from '../socket/diagnostics.js'
import type { NodeHandle } from './node-socket.js'

/** Makes a handle warn if the kernel grants a smaller receive buffer than requested (`recvBufferSize`, `setRecvBufferSize`). */
export function watchBufferSize(handle: NodeHandle, conn: () => BatchConn): void {
  const { bufferSize } = handle
  // Without the method there is no warning, and everything else works.
  if (typeof bufferSize !== 'function') return
  handle.bufferSize = (size, isReceive, context) => {
    const result = bufferSize.call(handle, size, isReceive, context)
    const isSet = size > 0 && isReceive && result !== undefined
    if (isSet) warnOfReceiveBuffer(size, conn().options.receiveBufferBytes)
    return result
  }
}
