import { AsyncResource } from 'node:async_hooks'
import { sendError } from './send-error.js'

/** Told what became of a message: the error alone, or null and how many bytes were sent. */
export type SendCallback = (error: Error | null, bytes: number) => void

/**
 * Somebody who wants to know what became of a message: the outcome, and the moment to tell it, come in either order.
 * Neither a closure nor an instance, because either costs more than all the rest here, and each message has one.
 */
export interface Completion {
  readonly callback: SendCallback
  /** As they were given, for the error. */
  readonly address: string | undefined
  readonly port: number | undefined
  byteLength: number
  /** 0 or a negative errno, as libuv has it; undefined until it is known. */
  status: number | undefined
  resource: AsyncResource | undefined
}

/** @param address - as `send` was given it, like the port */
export function completion(callback: SendCallback, address?: string, port?: number): Completion {
  return { callback, address, port, byteLength: 0, status: undefined, resource: undefined }
}

/** The outcome is known. Nobody is told before the work at hand is done: what they do then may come back here. */
export function finish(completion: Completion, status: number): void {
  completion.status = status
  const { resource } = completion
  if (resource !== undefined) callSoon(() => resource.runInAsyncScope(tell, undefined, completion, status))
}

/** The end of the message's tick, in its sender's async context: tells the outcome, or keeps the context for later. */
export function settle(completion: Completion): void {
  const { status } = completion
  if (status === undefined) completion.resource = new AsyncResource('UDPSENDWRAP')
  // Callbacks of earlier messages are queued: those of a receive turn, whose results come at its end.
  else if (queuedCalls > 0) callSoon(() => tell(completion, status))
  else tell(completion, status)
}

function callSoon(call: () => void): void {
  queuedCalls += 1
  nextTick(() => {
    queuedCalls -= 1
    call()
  })
}

// Captured at load: fake timers installed later would hold these callbacks back, and all later ones behind them.
const { nextTick } = process

/** Number of callbacks that are queued for a tick. */
let queuedCalls = 0

// As node:dgram calls it: with the error alone, or null and the length.
function tell({ callback, byteLength, address, port }: Completion, status: number): void {
  if (status === 0) callback(null, byteLength)
  else Reflect.apply(callback, undefined, [sendError(status, address, port)])
}
