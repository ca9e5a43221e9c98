import { AsyncResource } from 'node:async_hooks'
import { type Endpoint, endpoint } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { watchDirectly } from '../loop/direct-watch.js'
import { PausableWatch } from '../loop/pausable-watch.js'
import { BatchConn } from '../socket/batch-conn.js'
import type { Counters } from '../socket/counters.js'
import type { NetworkError } from '../socket/error-queue.js'
import type { FeatureStatus } from '../socket/feature-status.js'
import { watchBufferSize } from './buffer-size.js'
import { bytesOfAll } from './bytes.js'
import { type Completion, completion, type SendCallback } from './completion.js'
import { flushAtExit, runIteration, startTurn } from './flush.js'
import type { NodeHandle, SendRequest } from './node-socket.js'
import type { Settings } from './options.js'
import { type Recipient, receiveAvailable } from './receiver.js'
import { blockedError } from './send-error.js'
import { SendQueue } from './send-queue.js'
import type { DgramStats, QueueCounters } from './stats.js'

/** Owner of an accelerated handle. */
export interface Accelerated {
  readonly settings: Settings
  readonly recipient: Recipient
  readonly counters: Counters
  readonly queueCounters: QueueCounters
  /** Returns true for an address on the send block list. */
  refuses(address: unknown): boolean
  onDrain(): void
  onNetworkErrors(errors: readonly NetworkError[]): void
}

/**
 * Sends and receives for one of Node's native handles. The handle still owns the descriptor, binds it, sets its options and
 * closes it. The reactor watches the descriptor, libuv never does.
 */
export class Accelerator {
  readonly #handle: NodeHandle
  readonly #socket: Accelerated
  // Events run in the async context in which the socket was created, as with a native handle.
  readonly #context = new AsyncResource('BATCHCONN_DGRAM')
  #conn: BatchConn | undefined
  #queue: SendQueue | undefined
  #watch: PausableWatch | undefined
  /** True from `recvStart` to `recvStop`. */
  isReceiving = false
  #isBlocked = false
  #isReferenced: boolean
  #isShared: boolean

  /** @param isShared - true if the handle was created elsewhere: another process may hold its descriptor as well */
  constructor(handle: NodeHandle, socket: Accelerated, isShared: boolean) {
    this.#handle = handle
    this.#socket = socket
    this.#isShared = isShared
    this.#isReferenced = handle.hasRef()
    flushAtExit()
    this.#patch()
    watchBufferSize(handle, () => this.conn)
  }

  /** Runs work in the context of the socket's events. */
  inContext(work: (...args: never[]) => unknown, self?: unknown, ...args: unknown[]): void {
    this.#context.runInAsyncScope(work as (...args: unknown[]) => unknown, self, ...args)
  }

  /** The underlying socket. Requires that the handle has a descriptor. */
  get conn(): BatchConn {
    this.#conn ??= this.#borrow()
    return this.#conn
  }

  /** Number of datagrams the kernel has dropped; undefined before `bind` and without `countDrops`. */
  get kernelDrops(): number | undefined {
    return this.#conn?.kernelDrops
  }

  /** Statistics, with the current drops and queue. */
  get stats(): DgramStats {
    return this.#socket.queueCounters.stats(this.#conn?.stats, this.#queue)
  }

  /** Status with the reason why each system call carries one message; undefined if calls carry batches. */
  get refusal(): FeatureStatus | undefined {
    const status = this.#conn?.batching
    return status?.available === false ? status : undefined
  }

  /**
   * True if another process may hold the descriptor as well. A datagram that was received but not delivered before the socket
   * is closed would be lost to that process, so each system call receives one datagram.
   */
  get isShared(): boolean {
    return this.#isShared
  }

  get queue(): SendQueue {
    this.#queue ??= this.#newQueue()
    return this.#queue
  }

  /** True while messages are queued because the kernel accepts no more. */
  get isBlocked(): boolean {
    return this.#queue?.isBlocked === true
  }

  /** Prepares the descriptor for another process, which may not support GRO buffers. */
  share(): void {
    if (this.#isShared) return
    this.#isShared = true
    if (this.#conn === undefined) return
    // Read the GRO buffers that have already arrived: without UDP_GRO each would be taken for a single datagram.
    if (this.isReceiving) receiveAvailable(this.conn, this.#socket.recipient, 'collect')
    this.conn.stopGro()
  }

  #newQueue(): SendQueue {
    const watcher = {
      onLargeBatch: () => this.#watch?.pause(),
      onBlocked: (isBlocked: boolean) => {
        this.#isBlocked = isBlocked
        this.#refresh()
      },
      onDrain: () => this.#socket.onDrain(),
    }
    return new SendQueue(this.conn, watcher, this.#socket.settings.queue, this.#socket.queueCounters)
  }

  #borrow(): BatchConn {
    const { settings, counters } = this.#socket
    const { adopt } = settings
    return BatchConn.borrow(this.#handle.fd, this.#isShared ? { ...adopt, gro: false } : adopt, counters)
  }

  #patch(): void {
    const handle = this.#handle
    const { ref, unref, close, connect, disconnect, bind, open } = handle
    handle.send = (request, list, _count, ...rest) => this.#send(request, list, rest)
    handle.recvStart = () => this.#setReceiving(true)
    handle.recvStop = () => this.#setReceiving(false)
    handle.getSendQueueSize = () => this.#queue?.byteLength ?? 0
    handle.getSendQueueCount = () => this.#queue?.length ?? 0
    handle.ref = () => {
      ref.call(handle)
      this.#setReferenced(true)
    }
    handle.unref = () => {
      unref.call(handle)
      this.#setReferenced(false)
    }
    handle.bind = (address, port, flags) => bind.call(handle, address, port, flags) || this.#applyOptions()
    handle.open = (fd) => {
      // libuv also rejects a descriptor in use, but does not see those that the reactor watches.
      if (received.has(fd)) return -c.EEXIST
      this.#isShared = true
      return open.call(handle, fd) || this.#applyOptions()
    }
    handle.connect = (address, port) => {
      this.#settleQueue()
      const status = this.#socket.refuses(address) ? -c.EPERM : connect.call(handle, address, port)
      this.#conn?.noteConnection()
      return status
    }
    handle.disconnect = () => {
      this.#settleQueue()
      const status = disconnect.call(handle)
      this.#conn?.noteConnection()
      return status
    }
    handle.close = (callback) => {
      this.#dispose()
      close.call(handle, callback)
    }
  }

  /** Returns 0, or the negative errno of an option that the kernel rejects. Node reports it as an error of `bind`. */
  #applyOptions(): number {
    try {
      this.conn.noteConnection()
      return 0
    } catch (error) {
      if (error instanceof ErrnoError) return error.errno
      throw error
    }
  }

  /** Replaces the handle's `send`. `rest` is `port, address, hasCallback`, or only `hasCallback` if connected. */
  #send(request: SendRequest, list: ArrayBufferView[], rest: unknown[]): number {
    const destination = rest.length > 1 ? destinationOf(rest, this.conn) : undefined
    if (destination === 'bad') return -c.EINVAL
    if (this.#socket.refuses(rest[1])) {
      // The handle cannot return ERR_IP_BLOCKED. Node versions with `sendBlockList` check it before they call the handle.
      if (rest.at(-1) === true) process.nextTick(() => request.callback?.(blockedError(String(rest[1]))))
      return 0
    }
    const pieces = bytesOfAll(list)
    if (pieces === undefined) return -c.EINVAL
    this.queue.add(pieces, destination, rest.at(-1) === true ? requestCompletion(request) : undefined)
    return 0
  }

  /** Flushes the queue before the peer changes, so that no queued message goes to the new peer. */
  #settleQueue(): void {
    if (this.#queue !== undefined && this.#queue.length > 0) this.#queue.finish()
  }

  #setReceiving(isReceiving: boolean): number {
    // libuv binds an unbound handle here (uv__udp_recv_start in src/unix/udp.c).
    const status = isReceiving && this.#handle.fd < 0 ? bindAnywhere(this.#handle) : 0
    if (status !== 0) return status
    this.isReceiving = isReceiving
    if (isReceiving) received.add(this.conn.fd)
    else if (this.#conn !== undefined) received.delete(this.#conn.fd)
    this.#refresh()
    return 0
  }

  #setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced
    this.#refresh()
  }

  #refresh(): void {
    const events = (this.isReceiving ? c.EPOLLIN : 0) | (this.#isBlocked ? c.EPOLLOUT : 0)
    if (events === 0) {
      this.#watch?.close()
      this.#watch = undefined
      return
    }
    if (this.#watch === undefined) {
      const onReady = (ready: number) => this.#onReady(ready)
      const watch = watchDirectly(this.conn.fd, events, onReady, this.#context)
      this.#watch = new PausableWatch(watch, events, () => onReady(c.EPOLLIN), this.#context)
    } else {
      this.#watch.update(events)
    }
    // Queued messages keep the process alive, as a pending send in libuv does.
    if (this.#isReferenced || this.#isBlocked) this.#watch.ref()
    else this.#watch.unref()
  }

  #onReady(ready: number): void {
    startTurn()
    if ((ready & c.EPOLLOUT) !== 0 && this.#isBlocked) this.queue.flush()
    // EPOLLERR also requires a receive, which reports the error.
    if ((ready & ~c.EPOLLOUT) === 0 || !this.isReceiving) return
    if ((ready & c.EPOLLERR) !== 0) this.conn.noteErrorEvent()
    const received = receiveAvailable(this.conn, this.#socket.recipient)
    this.#watch?.received(received)
    const errors = this.#socket.settings.recvErrors ? this.#conn?.takeErrors() : undefined
    if (errors !== undefined && errors.length > 0) runIteration(() => this.#socket.onNetworkErrors(errors))
  }

  #dispose(): void {
    this.#queue?.finish()
    this.isReceiving = false
    this.#isBlocked = false
    this.#refresh()
    if (this.#conn !== undefined) received.delete(this.#conn.fd)
    this.#conn?.release()
    this.#conn = undefined
  }
}

/** Descriptors from which sockets of this thread receive. */
const received = new Set<number>()

/** Calls the native `bind`. The socket's replacement of `bind` may belong to an earlier handle. */
function bindAnywhere(handle: NodeHandle): number {
  const { bind } = Object.getPrototypeOf(handle) as NodeHandle
  return bind.call(handle, '0.0.0.0', 0, 0)
}

/** Returns the pending callback of a send through Node's own `send`. */
function requestCompletion(request: SendRequest): Completion {
  const onSent: SendCallback = (error, bytes) => {
    if (error === null) request.oncomplete?.(0, bytes)
    else request.callback?.(error)
  }
  return completion(onSent, request.address, request.port)
}

function destinationOf([port, address]: unknown[], conn: BatchConn): Endpoint | 'bad' {
  const text = String(address)
  // libuv ignores the zone of an address if no such interface exists.
  for (const written of text.includes('%') ? [text, text.split('%', 1)[0]] : [text]) {
    try {
      const made = endpoint({ address: written, port: Number(port) })
      if (made.family === conn.family) return made
    } catch {}
  }
  return 'bad'
}
