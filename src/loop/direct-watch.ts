import type { AsyncResource } from 'node:async_hooks'
import { isMainThread } from 'node:worker_threads'
import { EPOLLERR, EPOLLIN, EPOLLOUT, F_DUPFD_CLOEXEC } from '../libc/constants.js'
import { koffi } from '../libc/koffi.js'
import { libc } from '../libc/libc.js'
import { promptTicks } from './epoll-watch.js'
import { type ReadinessCallback, raise, reactor, type Watch } from './reactor.js'

/**
 * Watches one descriptor by a poll handle of its own, without the reactor's epoll in between. It wakes sooner: the
 * kernel's hint that the sender is about to sleep, by which the receiver may have its core at once, does not go through
 * two epolls.
 *
 * The handle watches a duplicate of the descriptor: libuv aborts the process where two handles watch one descriptor, or a
 * watched descriptor is closed, which Node does at exit (docs/event-loop.md). In a worker, whose handles can be torn down
 * with no JavaScript running, and where no descriptor is left, the reactor watches it instead.
 */
export function watchDirectly(fd: number, events: number, callback: ReadinessCallback, context: AsyncResource): Watch {
  const duplicate = isMainThread ? libc().fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1
  if (duplicate < 0) return reactor().watch(fd, events, callback, context)
  let interest = events
  let isOpen = true
  let isPaused = false
  // Koffi's types show another callback than the one it calls.
  const onPoll: (...args: never[]) => void = (status: number, ready: { readable: boolean; writable: boolean }) => {
    const reported = status < 0 ? EPOLLERR : (ready.readable ? EPOLLIN : 0) | (ready.writable ? EPOLLOUT : 0)
    try {
      if (isOpen) context.runInAsyncScope(callback, undefined, reported)
    } catch (error) {
      raise(error)
    }
    promptTicks()
    // libuv stops a poll that has an error to report, an ICMP error for example.
    if (status < 0 && isOpen && !isPaused) start()
  }
  const handle = koffi().node.poll(duplicate, wanted(events), onPoll as () => void)
  const start = () => {
    if (interest === 0) handle.stop()
    else handle.start(wanted(interest), onPoll as () => void)
  }
  const watch: Watch = {
    ref: () => {
      if (isOpen) handle.ref()
    },
    unref: () => {
      if (isOpen) handle.unref()
    },
    pause: () => {
      isPaused = true
      if (isOpen) handle.stop()
    },
    resume: () => {
      isPaused = false
      if (isOpen) start()
    },
    update: (changed) => {
      if (!isOpen || changed === interest) return
      interest = changed
      start()
    },
    close: () => {
      if (!isOpen) return
      isOpen = false
      open.delete(watch)
      handle.close()
      libc().close(duplicate)
    },
  }
  open.add(watch)
  return watch
}

function wanted(events: number): { readable: boolean; writable: boolean } {
  return { readable: (events & EPOLLIN) !== 0, writable: (events & EPOLLOUT) !== 0 }
}

// An unreferenced handle is collected, and reports nothing more.
const open = new Set<Watch>()
