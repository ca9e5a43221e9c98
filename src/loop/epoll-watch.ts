import * as timers from 'node:timers'
import { koffi } from '../libc/koffi.js'
import { libc } from '../libc/libc.js'
import { isWorkerThread, openPipe, type Pipe } from './pipe.js'

/** Node's event loop watching one epoll descriptor, which it owns. */
export interface EpollWatch {
  ref(): void
  unref(): void
  /** Ends the watch and closes the epoll descriptor. */
  close(): void
}

/**
 * Calls back in each loop iteration in which the epoll descriptor has events. Starts unreferenced.
 *
 * @param onReady - must not throw
 */
export function watchEpoll(epoll: number, onReady: () => void): EpollWatch {
  // Koffi's callback cannot pass on a termination: a worker that ends inside of it aborts the process (docs/event-loop.md).
  const pipe = isWorkerThread ? openPipe(epoll) : undefined
  if (pipe !== undefined) return watchByPipe(pipe, epoll, onReady)
  if (isWorkerThread) process.emitWarning(NO_PIPE, { code: 'BATCHCONN_WORKER' })
  return watchByPoll(epoll, onReady)
}

function watchByPoll(epoll: number, onReady: () => void): EpollWatch {
  const handle = koffi().node.poll(epoll, { readable: true }, () => {
    onReady()
    promptTicks()
  })
  handle.unref()
  return {
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close: () => {
      handle.close()
      libc().close(epoll)
    },
  }
}

// read(2) of an epoll descriptor fails with EINVAL (fs/eventpoll.c has no read): libuv tries it once the descriptor is
// readable, reports the error, and stops reading until the handle is opened again, which takes effect outside `onread`.
function watchByPipe(pipe: Pipe, epoll: number, onReady: () => void): EpollWatch {
  let isOpen = true
  const arm = () => {
    if (!isOpen) return
    pipe.open(epoll)
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
    ref: () => pipe.ref(),
    unref: () => pipe.unref(),
    close: () => {
      if (isOpen) pipe.close()
      isOpen = false
    },
  }
}

/** Call it at the end of a Koffi poll callback: from Node 26 on, ticks queued in one wait for an event of another kind. */
export function promptTicks(): void {
  if (TICKS_NEED_AN_EVENT) setImmediate(() => {})
}

const TICKS_NEED_AN_EVENT = Number.parseInt(process.versions.node, 10) >= 26

const NO_PIPE =
  'this runtime has no pipe handle that batchconn can use: a worker that is terminated while it waits for a socket can ' +
  'abort the process'

// Captured at load: fake timers installed later would stop the loop from being woken.
const { setImmediate } = timers
