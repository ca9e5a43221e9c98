import { createSocket } from '../../src/dgram/index.js'
import { BatchReceiver } from './batch-receiver.js'
import { BatchSender } from './batch-sender.js'
import { openDgramReceiver } from './dgram-receiver.js'
import { DgramSender } from './dgram-sender.js'
import type { ReceiveMode, SendMode } from './modes.js'
import type { Sender, SendPlan } from './sender.js'
import type { ReceivePlan, Receiver } from './streams.js'

const SENDERS: Readonly<Record<SendMode, (plan: SendPlan) => Sender | Promise<Sender>>> = {
  sendmsg: (plan) => new BatchSender(plan, { messages: 1, segments: 1 }),
  sendmmsg: (plan) => new BatchSender(plan, { messages: plan.batch, segments: 1 }),
  gso: (plan) => new BatchSender(plan, { messages: 1, segments: plan.segments }),
  'sendmmsg+gso': (plan) => new BatchSender(plan, { messages: plan.batch, segments: plan.segments }),
  'gso+zerocopy': (plan) => new BatchSender(plan, { messages: 1, segments: plan.segments, zeroCopy: true }),
  'sendmmsg+gso+zerocopy': (plan) =>
    new BatchSender(plan, { messages: plan.batch, segments: plan.segments, zeroCopy: true }),
  'sendmmsg+coalesce': (plan) => new BatchSender(plan, { messages: plan.batch, segments: 1, coalesce: true }),
  dgram: (plan) => DgramSender.open(plan),
  'batchconn-dgram': (plan) => DgramSender.open(plan, createSocket),
}

const RECEIVERS: Readonly<Record<ReceiveMode, (plan: ReceivePlan) => Receiver | Promise<Receiver>>> = {
  recvmmsg: (plan) => new BatchReceiver(plan, plan.batch, false),
  recvmsg: (plan) => new BatchReceiver(plan, 1, false),
  gro: (plan) => new BatchReceiver(plan, plan.batch, true),
  dgram: (plan) => openDgramReceiver(plan),
  'batchconn-dgram': (plan) => openDgramReceiver(plan, createSocket),
}

export async function openSender(mode: SendMode, plan: SendPlan): Promise<Sender> {
  return SENDERS[mode](plan)
}

export async function openReceiver(mode: ReceiveMode, plan: ReceivePlan): Promise<Receiver> {
  return RECEIVERS[mode](plan)
}
