import { AsyncResource } from 'node:async_hooks'
import { check, lastErrno } from '../libc/check.js'
import { EINTR, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { koffi } from '../libc/koffi.js'
import { libc } from '../libc/libc.js'
import { Arena } from '../memory/arena.js'

/** Told which epoll events (epoll_ctl(2)) its descriptor has. */
export type ReadinessCallback = (events: number) => void

/** One descriptor under watch. */
export interface Watch {
  /** Lets the process stay alive for it, which is so from the start. */
  ref(): void
  /** Lets the process end although it is watched. */
  unref(): void
  /** Changes which events are waited for; 0 keeps the descriptor and waits for errors alone. */
  update(events: number): void
  /** Takes the descriptor off the epoll until `resume`: nobody is told of anything, and the process may end. */
  pause(): void
  resume(): void
  /** Ends it. Call it before the descriptor is closed. */
  close(): void
}

/**
 * Watches descriptors for Node's event loop: one epoll a thread holds them all, and one Koffi poll handle watches that
 * epoll. It knows descriptors, not sockets.
 *
 * The single handle is deliberate: a handle a socket would die in silence on an ICMP error or a collection, and abort
 * the process on a closed descriptor. docs/event-loop.md has the list.
 */
export class Reactor {
  readonly #epoll = check(libc().epoll_create1(EPOLL_CLOEXEC), 'epoll_create1')
  readonly #events = new Arena({ events: EVENTS_PER_TURN * libc().structs.epollEvent.bytes, change: 16 })
  readonly #watchers = new Map<number, Watcher>()
  #lastSerial = 0
  #referenced = 0
  #isClosed = false
  readonly #handle = koffi().node.poll(this.#epoll, { readable: true }, () => this.#turn())

  constructor() {
    this.#handle.unref()
    process.once('exit', () => this.#close())
  }

  /**
   * Starts to watch a descriptor. The process stays alive for as long as it is watched, unless `unref` is called.
   *
   * @param context - the async context the callback runs in; left out, the caller's
   */
  watch(fd: number, events: number, callback: ReadinessCallback, context = new AsyncResource('BATCHCONN')): Watch {
    this.#lastSerial = (this.#lastSerial + 1) >>> 0
    const watcher = new Watcher(this.#lastSerial, events, callback, context)
    if (!this.#isClosed) {
      this.#control(EPOLL_CTL_ADD, fd, events, watcher.serial)
      // The number was somebody's who closed it without telling, and epoll has forgotten that one.
      const forgotten = this.#watchers.get(fd)
      if (forgotten !== undefined) {
        forgotten.isOpen = false
        this.#setReferenced(forgotten, false)
      }
      this.#watchers.set(fd, watcher)
    }
    this.#setReferenced(watcher, true)
    const isCurrent = () => this.#watchers.get(fd) === watcher
    return {
      ref: () => this.#setReferenced(watcher, isCurrent()),
      unref: () => this.#setReferenced(watcher, false),
      update: (changed) => {
        if (!isCurrent()) return
        this.#control(EPOLL_CTL_MOD, fd, changed, watcher.serial)
        watcher.events = changed
      },
      pause: () => {
        if (isCurrent()) this.#forget(fd)
      },
      resume: () => {
        if (isCurrent()) this.#control(EPOLL_CTL_ADD, fd, watcher.events, watcher.serial)
      },
      close: () => {
        if (!isCurrent()) return
        watcher.isOpen = false
        this.#watchers.delete(fd)
        this.#setReferenced(watcher, false)
        this.#forget(fd)
      },
    }
  }

  #setReferenced(watcher: Watcher, isReferenced: boolean): void {
    if (watcher.isReferenced === isReferenced || this.#isClosed) return
    watcher.isReferenced = isReferenced
    this.#referenced += isReferenced ? 1 : -1
    if (this.#referenced === 0) this.#handle.unref()
    else if (this.#referenced === 1) this.#handle.ref()
  }

  #turn(): void {
    const only = this.#watchers.size === 1 ? this.#watchers.values().next().value : undefined
    // With one descriptor there is no question whose event it is, and with one kind of event none of which: ask nobody.
    if (only?.events === EPOLLIN) only.notify(EPOLLIN)
    else this.#notifyReady()
    promptTicks()
  }

  #notifyReady(): void {
    const { slabs, view } = this.#events
    const { bytes, events, data } = libc().structs.epollEvent
    const count = libc().epoll_wait(this.#epoll, slabs.events.address, EVENTS_PER_TURN, 0)
    if (count < 0) {
      const errno = lastErrno()
      if (errno !== EINTR) raise(new ErrnoError(errno, 'epoll_wait'))
      return
    }
    const ready = Array.from({ length: count }, (_, index) => {
      const at = slabs.events.offset + index * bytes
      const watcher = this.#watchers.get(view.getInt32(at + data, true))
      // An event of a descriptor that was closed since, whose number is another's now, is not for that one.
      const isOfThisOne = watcher?.serial === view.getUint32(at + data + 4, true)
      return { watcher: isOfThisOne ? watcher : undefined, events: view.getUint32(at + events, true) }
    })
    for (const { watcher, events } of ready) if (watcher?.isOpen) watcher.notify(events)
  }

  #control(operation: number, fd: number, events: number, serial: number): void {
    const { slabs, view } = this.#events
    const layout = libc().structs.epollEvent
    view.setUint32(slabs.change.offset + layout.events, events, true)
    view.setInt32(slabs.change.offset + layout.data, fd, true)
    view.setUint32(slabs.change.offset + layout.data + 4, serial, true)
    check(libc().epoll_ctl(this.#epoll, operation, fd, slabs.change.address), 'epoll_ctl')
  }

  // The descriptor may be gone already, closed by somebody else: then epoll has let go of it by itself.
  #forget(fd: number): void {
    libc().epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, this.#events.slabs.change.address)
  }

  // Exit handlers that come later may still close sockets, or wait: none of that may reach the handle any more.
  #close(): void {
    this.#isClosed = true
    this.#watchers.clear()
    this.#handle.close()
    libc().close(this.#epoll)
  }
}

/** This thread's reactor. */
export function reactor(): Reactor {
  instance ??= new Reactor()
  return instance
}

class Watcher {
  /** Tells it from others with the same descriptor number; 32 bits, as epoll's data holds it beside the descriptor. */
  readonly serial: number
  events: number
  isOpen = true
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

/** Call it at the end of a poll callback: from Node 26 on, ticks queued in one wait for an event of another kind. */
export function promptTicks(): void {
  if (TICKS_NEED_AN_EVENT) setImmediate(() => {})
}

/**
 * Makes an exception of a user's callback an uncaught one, as from any event handler. It must not go back through
 * Koffi, where it would stay pending and surface in some unrelated call.
 */
export function raise(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}

const EVENTS_PER_TURN = 64

const TICKS_NEED_AN_EVENT = Number.parseInt(process.versions.node, 10) >= 26

let instance: Reactor | undefined
