import type { AsyncResource } from 'node:async_hooks'
import { isMainThread } from 'node:worker_threads'
import { EPOLLERR, EPOLLIN, EPOLLOUT, F_DUPFD_CLOEXEC } from '../libc/constants.js'
import { libc } from '../libc/libc.js'
import { promptTicks } from './epoll-watch.js'
import { type PollCallback, type PollEvents, pollHandle } from './poll-handle.js'
import { type ReadinessCallback, raise, reactor, type Watch } from './reactor.js'

/**
 * Watches one descriptor by its own poll handle, without the reactor's epoll in between. The receiver wakes sooner: a sender
 * about to sleep wakes it synchronously, so that the receiver can take over its core, and nested epolls lose this hint.
 *
 * The handle watches a duplicate of the descriptor: libuv aborts the process if two handles watch one descriptor, or if a
 * watched descriptor is closed, as Node does at exit (docs/event-loop.md). The reactor watches the descriptor instead in a
 * worker, whose handles can be destroyed without running JavaScript, and if no more descriptors are available.
 */
export function watchDirectly(fd: number, events: number, callback: ReadinessCallback, context: AsyncResource): Watch {
  const duplicate = isMainThread ? libc().fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1
  if (duplicate < 0) return reactor().watch(fd, events, callback, context)
  let interest = events
  let isOpen = true
  let isPaused = false
  const onPoll: PollCallback = (status, ready) => {
    promptTicks()
    const reported = status < 0 ? EPOLLERR : (ready.readable ? EPOLLIN : 0) | (ready.writable ? EPOLLOUT : 0)
    try {
      if (isOpen) context.runInAsyncScope(callback, undefined, reported)
    } catch (error) {
      raise(error)
    }
    // libuv stops a poll after an error event, for example an ICMP error.
    if (status < 0 && isOpen && !isPaused) start()
  }
  const handle = pollHandle(duplicate, wanted(events), onPoll)
  const start = () => {
    if (interest === 0) handle.stop()
    else handle.start(wanted(interest))
  }
  return {
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
      handle.close()
      libc().close(duplicate)
    },
  }
}

function wanted(events: number): PollEvents {
  return { readable: (events & EPOLLIN) !== 0, writable: (events & EPOLLOUT) !== 0 }
}
