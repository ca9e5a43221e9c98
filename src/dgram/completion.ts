import { AsyncResource } from 'node:async_hooks'
import { sendError } from './send-error.js'

// Captured at load: fake timers installed later would delay callbacks.
const { nextTick } = process

/** Receives the result of a message: the error alone, or null and the number of bytes sent. */
export type SendCallback = (error: Error | null, bytes: number) => void

/**
 * A pending send callback. The result and the time to call back can arrive in either order.
 *
 * A plain object, since a closure or class instance per message costs more than all other work here.
 */
export interface Completion {
  readonly callback: SendCallback
  /** Address and port as `send` received them, for the error. */
  readonly address: string | undefined
  readonly port: number | undefined
  byteLength: number
  /** 0 or a negative errno, as in libuv; undefined until it is known. */
  status: number | undefined
  /** True when the callback may run: no earlier message of the batch still waits for its result. */
  isFinished: boolean
  resource: AsyncResource | undefined
}

/** @param address - address as passed to `send`, like the port */
export function completion(callback: SendCallback, address?: string, port?: number): Completion {
  return { callback, address, port, byteLength: 0, status: undefined, isFinished: false, resource: undefined }
}

/** Records the result, and lets the callback run. Callbacks run after the current work, because they may send or close. */
export function finish(completion: Completion, status: number): void {
  completion.status = status
  completion.isFinished = true
  if (completion.resource !== undefined) callSoon(completion, status)
}

/** Calls back at the end of the message's tick, in its sender's async context; keeps that context if there is no result yet. */
export function settle(completion: Completion): void {
  const { status, isFinished } = completion
  if (!isFinished || status === undefined) completion.resource = new AsyncResource('UDPSENDWRAP')
  // Queue behind the callbacks of earlier messages, whose results came at the end of the loop iteration.
  else if (queuedCalls > 0) callSoon(completion, status)
  else call(completion, status)
}

// A closure inside `finish` or `settle` would make V8 allocate a scope at each of their calls.
function callSoon(completion: Completion, status: number): void {
  queuedCalls += 1
  nextTick(() => {
    queuedCalls -= 1
    const { resource } = completion
    if (resource === undefined) call(completion, status)
    else resource.runInAsyncScope(call, undefined, completion, status)
  })
}

/** Number of callbacks that are queued for a tick. */
let queuedCalls = 0

// As node:dgram: with the error alone, or null and the length.
function call({ callback, byteLength, address, port }: Completion, status: number): void {
  if (status === 0) callback(null, byteLength)
  else Reflect.apply(callback, undefined, [sendError(status, address, port)])
}
