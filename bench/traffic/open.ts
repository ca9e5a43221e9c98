import { createSocket } from '../../src/dgram/index.js'
import { BatchReceiver } from './batch-receiver.js'
import { BatchSender } from './batch-sender.js'
import { DgramReceiver } from './dgram-receiver.js'
import { DgramSender } from './dgram-sender.js'
import type { ReceiveMode, SendMode } from './modes.js'
import type { ReceivePlan, Receiver } from './receiver.js'
import type { Sender, SendPlan } from './sender.js'

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
    case 'gso+zerocopy':
      return new BatchSender(plan, { messages: 1, segments, zeroCopy: true })
    case 'sendmmsg+gso+zerocopy':
      return new BatchSender(plan, { messages: batch, segments, zeroCopy: true })
    case 'dgram':
      return DgramSender.open(plan)
    case 'batchconn-dgram':
      return DgramSender.open(plan, createSocket)
  }
}

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
