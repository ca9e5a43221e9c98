import { AsyncResource } from 'node:async_hooks'
import * as timers from 'node:timers'
import { check, lastErrno } from '../libc/check.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { Arena } from '../memory/arena.js'
import { openWatchedEpoll } from './epoll-watch.js'

/** Receives the epoll events (epoll_ctl(2)) of its descriptor. */
export type ReadinessCallback = (events: number) => void

/** Watch of one descriptor. */
export interface Watch {
  /** Keeps the process alive, the default. */
  ref(): void
  /** Lets the process end while the descriptor is watched. */
  unref(): void
  /**
   * Changes the watched events; 0 leaves only errors.
   *
   * @throws ErrnoError `EBADF` if the descriptor was closed elsewhere
   */
  update(events: number): void
  /** Stops watching until `resume`: no event is reported, and the watch need not keep the process alive. */
  pause(): void
  resume(): void
  /** Ends the watch. Call it before the descriptor is closed. */
  close(): void
}

/**
 * Watches descriptors for Node's event loop. One epoll per thread contains all descriptors, and one handle watches that
 * epoll.
 *
 * One handle instead of a Koffi poll handle per socket: those stop silently after an ICMP error or when collected, and abort
 * the process on a closed descriptor (docs/event-loop.md).
 */
export class Reactor {
  readonly #events = new Arena({ events: EVENTS_PER_WAIT * libc().structs.epollEvent.bytes, change: 16 })
  readonly #watchers = new Map<number, Watcher>()
  #epoll = openWatchedEpoll(() => this.#onReady())
  #lastSerial = 0
  #referenced = 0
  #unverified = 0

  /**
   * Watches a descriptor. The watch keeps the process alive, unless `unref` is called.
   *
   * @param context - async context of the callback; default: the caller's
   * @throws ErrnoError `EBADF`, `EPERM` for a descriptor that cannot be watched
   */
  watch(fd: number, events: number, callback: ReadinessCallback, context = new AsyncResource('BATCHCONN')): Watch {
    this.#lastSerial = (this.#lastSerial + 1) >>> 0
    const watcher = new Watcher(this.#lastSerial, events, callback, context)
    const forgotten = this.#watchers.get(fd)
    this.#add(fd, watcher, forgotten === undefined)
    if (forgotten !== undefined) {
      // The previous socket with this fd was closed without closing its watch; its entry is no longer valid.
      forgotten.isOpen = false
      this.#setReferenced(forgotten, false)
    }
    this.#watchers.set(fd, watcher)
    this.#setReferenced(watcher, true)
    const isCurrent = () => this.#watchers.get(fd) === watcher
    return {
      ref: () => this.#setReferenced(watcher, isCurrent()),
      unref: () => this.#setReferenced(watcher, false),
      update: (changed) => {
        if (!isCurrent()) return
        watcher.events = changed
        if (!watcher.isPaused) check(this.#control(c.EPOLL_CTL_MOD, fd, watcher), 'epoll_ctl')
      },
      pause: () => {
        if (!isCurrent() || watcher.isPaused) return
        watcher.isPaused = true
        this.#remove(fd, watcher)
      },
      resume: () => {
        if (!isCurrent() || !watcher.isPaused) return
        watcher.isPaused = false
        this.#addAgain(fd, watcher)
      },
      close: () => {
        if (!isCurrent()) return
        watcher.isOpen = false
        this.#watchers.delete(fd)
        this.#setReferenced(watcher, false)
        this.#remove(fd, watcher)
      },
    }
  }

  #setReferenced(watcher: Watcher, isReferenced: boolean): void {
    if (watcher.isReferenced === isReferenced) return
    watcher.isReferenced = isReferenced
    this.#referenced += isReferenced ? 1 : -1
    if (this.#referenced === 0) this.#epoll.unref()
    else if (this.#referenced === 1) this.#epoll.ref()
  }

  #onReady(): void {
    const only = this.#watchers.size === 1 ? this.#watchers.values().next().value : undefined
    // With one descriptor watched for EPOLLIN only, the event is known: skip epoll_wait. Call it from time to time all the
    // same, because the event may come from an entry of a descriptor that is no longer watched.
    if (only?.events === c.EPOLLIN && this.#unverified < MAX_UNVERIFIED) {
      this.#unverified += 1
      only.notify(c.EPOLLIN)
    } else {
      this.#unverified = 0
      this.#notifyReady()
    }
  }

  #notifyReady(): void {
    const { slabs, view } = this.#events
    const { bytes, events, data } = libc().structs.epollEvent
    const count = libc().epoll_wait(this.#epoll.fd, slabs.events.address, EVENTS_PER_WAIT, 0)
    if (count < 0) {
      const errno = lastErrno()
      if (errno !== c.EINTR) raise(new ErrnoError(errno, 'epoll_wait'))
      return
    }
    // Read all events before the first callback, which may close and open descriptors.
    const ready = Array.from({ length: count }, (_, index) => {
      const at = slabs.events.offset + index * bytes
      const watcher = this.#watchers.get(view.getInt32(at + data, true))
      const isCurrent = watcher?.serial === view.getUint32(at + data + 4, true)
      return { watcher: isCurrent ? watcher : undefined, events: view.getUint32(at + events, true) }
    })
    if (ready.some(({ watcher }) => watcher === undefined)) this.#renew()
    for (const { watcher, events } of ready) if (watcher?.isOpen) watcher.notify(events)
  }

  /**
   * Replaces the epoll. An entry outlives its descriptor while a duplicate of it is open, and can no longer be removed by
   * its number (epoll(7), Questions and answers 6), so its events would never stop.
   */
  #renew(): void {
    this.#epoll.close()
    this.#epoll = openWatchedEpoll(() => this.#onReady())
    if (this.#referenced > 0) this.#epoll.ref()
    for (const [fd, watcher] of this.#watchers) {
      if (!watcher.isPaused) this.#addAgain(fd, watcher)
    }
  }

  #addAgain(fd: number, watcher: Watcher): void {
    try {
      this.#add(fd, watcher, true)
    } catch {
      // The descriptor was closed elsewhere; an error event makes the socket report it.
      setImmediate(() => {
        if (watcher.isOpen) watcher.notify(c.EPOLLERR)
      })
    }
  }

  /** @param replaces - replace an existing entry, which belongs to no current watch */
  #add(fd: number, watcher: Watcher, replaces: boolean): void {
    if (this.#control(c.EPOLL_CTL_ADD, fd, watcher) === 0) return
    const errno = lastErrno()
    if (errno !== c.EEXIST || !replaces) throw new ErrnoError(errno, 'epoll_ctl')
    check(this.#control(c.EPOLL_CTL_MOD, fd, watcher), 'epoll_ctl')
  }

  // Fails if the descriptor was closed elsewhere: the entry is gone, or #renew removes it.
  #remove(fd: number, watcher: Watcher): void {
    this.#control(c.EPOLL_CTL_DEL, fd, watcher)
  }

  #control(operation: number, fd: number, { events, serial }: Watcher): number {
    const { slabs, view } = this.#events
    const layout = libc().structs.epollEvent
    const wanted = (events & c.EPOLLIN) === 0 ? events : events | c.EPOLLRDHUP
    view.setUint32(slabs.change.offset + layout.events, wanted, true)
    view.setInt32(slabs.change.offset + layout.data, fd, true)
    view.setUint32(slabs.change.offset + layout.data + 4, serial, true)
    return libc().epoll_ctl(this.#epoll.fd, operation, fd, slabs.change.address)
  }
}

/** Returns this thread's reactor. */
export function reactor(): Reactor {
  instance ??= new Reactor()
  return instance
}

class Watcher {
  /** Distinguishes watches of the same descriptor number. Epoll's 64-bit data contains it beside the descriptor. */
  readonly serial: number
  events: number
  isOpen = true
  isPaused = false
  isReferenced = false
  readonly #callback: ReadinessCallback
  readonly #resource: AsyncResource

  constructor(serial: number, events: number, callback: ReadinessCallback, resource: AsyncResource) {
    this.serial = serial
    this.events = events
    this.#callback = callback
    this.#resource = resource
  }

  notify(events: number): void {
    try {
      this.#resource.runInAsyncScope(this.#callback, undefined, events)
    } catch (error) {
      raise(error)
    }
  }
}

/**
 * Turns an exception of a caller's callback into an uncaught exception, as from any event handler. It must not pass through
 * Koffi, where it would stay pending and appear in an unrelated call.
 */
export function raise(error: unknown): void {
  nextTick(() => {
    throw error
  })
}

const EVENTS_PER_WAIT = 64

const MAX_UNVERIFIED = 16

// Captured at load, so that fake timers installed later cannot delay a report.
const { setImmediate } = timers
const { nextTick } = process

let instance: Reactor | undefined
