import * as timers from 'node:timers'
import { typeError } from '../arguments/errors.js'
import { koffi } from '../libc/koffi.js'

/** False on Bun, where creating a poll handle (uv_poll_init) aborts the process. */
export const canPoll = process.versions.bun === undefined

export const NO_POLL = 'Bun has no poll that works'

// Deno's uv_poll reports one event, and stops.
const isOneShot = process.versions.deno !== undefined

/** Events of a poll handle. */
export interface PollEvents {
  readable?: boolean
  writable?: boolean
}

/** Called with 0 or a negative errno, and the events. Must not throw. */
export type PollCallback = (status: number, ready: PollEvents) => void

/** A handle that watches one descriptor in Node's event loop (libuv's `uv_poll_t`, by Koffi). */
export interface PollHandle {
  start(events: PollEvents): void
  stop(): void
  ref(): void
  unref(): void
  /** Ends the watch. Call it before the descriptor is closed. */
  close(): void
}

/**
 * Starts to watch a descriptor that no other handle of the loop watches.
 *
 * At the end of the process Node runs the loop once more, when JavaScript can no longer be called; Koffi cannot pass that on
 * and aborts the process. So all handles stop at `exit`, and start again if the process goes on.
 *
 * @throws TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM`
 */
export function pollHandle(fd: number, events: PollEvents, callback: PollCallback): PollHandle {
  if (!canPoll) throw typeError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', `batchconn cannot wait for sockets: ${NO_POLL}`)
  stopAtExit()
  let active: PollEvents | undefined = events
  const rearming: PollCallback = (status, ready) => {
    callback(status, ready)
    if (active !== undefined && open.has(entry) && !isExiting) native.start({ ...active }, onPoll)
  }
  // Koffi's types show another callback than the one it calls.
  const onPoll = (isOneShot ? rearming : callback) as () => void
  const native = koffi().node.poll(fd, { ...events }, onPoll)
  let isReferenced = true
  const entry: Suspended = {
    get keepsAlive() {
      return isReferenced && active !== undefined
    },
    suspend: () => native.stop(),
    resume: () => {
      if (active !== undefined) native.start({ ...active }, onPoll)
    },
  }
  open.add(entry)
  if (isExiting) native.stop()
  updateResumption()
  return {
    start: (changed) => {
      active = changed
      if (!isExiting) native.start({ ...changed }, onPoll)
      updateResumption()
    },
    stop: () => {
      active = undefined
      native.stop()
      updateResumption()
    },
    ref: () => {
      isReferenced = true
      native.ref()
      updateResumption()
    },
    unref: () => {
      isReferenced = false
      native.unref()
      updateResumption()
    },
    close: () => {
      open.delete(entry)
      native.close()
      updateResumption()
    },
  }
}

function stopAtExit(): void {
  if (hasExitListener) return
  hasExitListener = true
  // Both, because programs remove the listeners of `exit`.
  process.on('beforeExit', suspendAll)
  process.on('exit', suspendAll)
}

function suspendAll(): void {
  isExiting = true
  for (const entry of open) entry.suspend()
  // Reached only if the process goes on: a listener has started something, or has emitted the event itself.
  resumption = setImmediate(() => {
    isExiting = false
    for (const entry of open) entry.resume()
  })
  updateResumption()
}

// Handles that are stopped keep no loop alive: a wait that begins in a listener of `beforeExit` would never end.
function updateResumption(): void {
  if (!isExiting) return
  if ([...open].some(({ keepsAlive }) => keepsAlive)) resumption?.ref()
  else resumption?.unref()
}

interface Suspended {
  readonly keepsAlive: boolean
  suspend(): void
  resume(): void
}

// Also keeps the handles: one that is not referenced is collected, and reports nothing more.
const open = new Set<Suspended>()

let hasExitListener = false
let isExiting = false
/** Resumes the handles, in the loop iteration after `beforeExit`. */
let resumption: NodeJS.Immediate | undefined

// Captured at load: fake timers installed later would stop the loop from being woken.
const { setImmediate } = timers
