import * as timers from 'node:timers'
import { isMainThread } from 'node:worker_threads'
import { check } from '../libc/check.js'
import { EPOLL_CLOEXEC } from '../libc/constants.js'
import { libc } from '../libc/libc.js'
import { newPipe, type Pipe } from './pipe.js'
import { pollHandle } from './poll-handle.js'

/** Epoll that Node's event loop watches. */
export interface WatchedEpoll {
  readonly fd: number
  ref(): void
  unref(): void
  /** Ends the watch and closes the epoll descriptor. */
  close(): void
}

/**
 * Opens an epoll and calls back in each loop iteration in which it has events. Starts unreferenced.
 *
 * @param onReady - must not throw
 */
export function openWatchedEpoll(onReady: () => void): WatchedEpoll {
  // A worker terminated inside a Koffi callback aborts the process, because the callback cannot propagate the termination
  // (docs/event-loop.md).
  const pipe = newPipe()
  const { epoll_create1 } = libc()
  if (pipe?.open(epoll_create1(EPOLL_CLOEXEC)) === 0) return watchByPipe(pipe, onReady)
  if (!isMainThread) process.emitWarning(NO_PIPE, { code: 'BATCHCONN_WORKER' })
  pipe?.close()
  return watchByPoll(check(epoll_create1(EPOLL_CLOEXEC), 'epoll_create1'), onReady)
}

function watchByPoll(fd: number, onReady: () => void): WatchedEpoll {
  const handle = pollHandle(fd, { readable: true }, () => {
    promptTicks()
    onReady()
  })
  handle.unref()
  return {
    fd,
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close: () => {
      handle.close()
      libc().close(fd)
    },
  }
}

// read(2) of an epoll descriptor fails with EINVAL (fs/eventpoll.c has no read). libuv tries it once the descriptor is
// readable, reports the error, and stops reading. Opening the handle again restarts it, but only outside `onread`.
function watchByPipe(pipe: Pipe, onReady: () => void): WatchedEpoll {
  const { fd } = pipe
  let isOpen = true
  const arm = () => {
    if (!isOpen) return
    pipe.open(fd)
    pipe.readStart()
  }
  pipe.useUserBuffer(new Uint8Array(1))
  pipe.onread = () => {
    setImmediate(arm)
    onReady()
  }
  pipe.unref()
  pipe.readStart()
  return {
    fd,
    ref: () => pipe.ref(),
    unref: () => pipe.unref(),
    close: () => {
      if (isOpen) pipe.close()
      isOpen = false
    },
  }
}

/**
 * Called first in a Koffi poll callback: from Node 26 on, ticks queued in it would run only after another event, which must
 * come before the immediates that the callback queues.
 */
export function promptTicks(): void {
  if (TICKS_NEED_AN_EVENT) setImmediate(() => {})
}

const TICKS_NEED_AN_EVENT = Number.parseInt(process.versions.node, 10) >= 26

const NO_PIPE =
  'this runtime has no pipe handle that batchconn can use: a worker that is terminated while it waits for a socket can ' +
  'abort the process'

// Captured at load, so that fake timers installed later cannot stop the wake-ups of the loop.
const { setImmediate } = timers
