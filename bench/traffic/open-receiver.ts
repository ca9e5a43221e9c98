import { createSocket } from '../../src/dgram/index.js'
import { BatchReceiver } from './batch-receiver.js'
import { DgramReceiver } from './dgram-receiver.js'
import type { ReceiveMode } from './modes.js'
import type { ReceivePlan, Receiver } from './receiver.js'

/** Opens a socket that receives in the given mode. */
export async function openReceiver(mode: ReceiveMode, plan: ReceivePlan): Promise<Receiver> {
  switch (mode) {
    case 'recvmmsg':
      return new BatchReceiver(plan, plan.batch, false)
    case 'recvmsg':
      return new BatchReceiver(plan, 1, false)
    case 'gro':
      return new BatchReceiver(plan, plan.batch, true)
    case 'dgram':
      return DgramReceiver.open(plan)
    case 'batchconn-dgram':
      return DgramReceiver.open(plan, createSocket)
  }
}
