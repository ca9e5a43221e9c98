import { createSocket } from '../../src/dgram/index.js'
import { BatchSender } from './batch-sender.js'
import { DgramSender } from './dgram-sender.js'
import type { SendMode } from './modes.js'
import type { Sender, SendPlan } from './sender.js'

/** Opens a socket that sends in the given mode. */
export async function openSender(mode: SendMode, plan: SendPlan): Promise<Sender> {
  const { batch, segments } = plan
  switch (mode) {
    case 'sendmsg':
      return new BatchSender(plan, { messages: 1, segments: 1 })
    case 'sendmmsg':
      return new BatchSender(plan, { messages: batch, segments: 1 })
    case 'gso':
      return new BatchSender(plan, { messages: 1, segments })
    case 'sendmmsg+gso':
      return new BatchSender(plan, { messages: batch, segments })
    case 'dgram':
      return DgramSender.open(plan)
    case 'batchconn-dgram':
      return DgramSender.open(plan, createSocket)
  }
}
