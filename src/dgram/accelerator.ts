import { AsyncResource } from 'node:async_hooks'
import { type Endpoint, endpoint } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { watchDirectly } from '../loop/direct-watch.js'
import { BatchConn } from '../socket/batch-conn.js'
import type { NetworkError } from '../socket/error-queue.js'
import type { FeatureStatus } from '../socket/feature-status.js'
import { type Completion, completion, type SendCallback } from './completion.js'
import { flushAtExit, turn } from './flush.js'
import type { NodeHandle, SendRequest } from './node-socket.js'
import type { Settings } from './options.js'
import { PausableWatch } from './pausable-watch.js'
import { type Recipient, receiveTurn } from './receiver.js'
import { blockedError } from './send-error.js'
import { SendQueue } from './send-queue.js'

/** The socket whose handle is accelerated. */
export interface Accelerated {
  readonly settings: Settings
  readonly recipient: Recipient
  /** True for an address on the send block list. */
  refuses(address: unknown): boolean
  onDrain(): void
  onNetworkErrors(errors: readonly NetworkError[]): void
}

/**
 * Does the sending and receiving of one of Node's native handles, and leaves the rest to it: the descriptor is its own, and
 * so are binding, options and closing. libuv never watches the descriptor; the reactor does.
 */
export class Accelerator {
  readonly #handle: NodeHandle
  readonly #socket: Accelerated
  // Events come in the context the socket was made in, as they do from a native handle.
  readonly #context = new AsyncResource('BATCHCONN_DGRAM')
  #conn: BatchConn | undefined
  #queue: SendQueue | undefined
  #watch: PausableWatch | undefined
  /** True from `recvStart` to `recvStop`. */
  isReceiving = false
  #isBlocked = false
  #isReferenced: boolean
  #isShared: boolean

  /** @param isShared - the handle came from elsewhere: another process may hold its descriptor as well */
  constructor(handle: NodeHandle, socket: Accelerated, isShared: boolean) {
    this.#handle = handle
    this.#socket = socket
    this.#isShared = isShared
    this.#isReferenced = handle.hasRef()
    flushAtExit()
    this.#patch()
  }

  /** Runs work in the context of the socket's events. */
  inContext(work: (...args: never[]) => unknown, self?: unknown, ...args: unknown[]): void {
    this.#context.runInAsyncScope(work as (...args: unknown[]) => unknown, self, ...args)
  }

  /** The socket underneath, once it has a descriptor. */
  get conn(): BatchConn {
    this.#conn ??= this.#borrow()
    return this.#conn
  }

  /** Number of datagrams the kernel has dropped; undefined before `bind` and unless they are counted. */
  get kernelDrops(): number | undefined {
    return this.#conn?.kernelDrops
  }

  /** Why system calls carry one message each; undefined if they do not. */
  get refusal(): FeatureStatus | undefined {
    const status = this.#conn?.batching
    return status?.available === false ? status : undefined
  }

  /**
   * True if another process may hold the descriptor as well. A datagram that was received and not delivered before the
   * socket is closed would be lost to the others, so each is received by itself.
   */
  get isShared(): boolean {
    return this.#isShared
  }

  get queue(): SendQueue {
    const watcher = {
      onLargeBatch: () => this.#watch?.pause(),
      onBlocked: (isBlocked: boolean) => {
        this.#isBlocked = isBlocked
        this.#refresh()
      },
      onDrain: () => this.#socket.onDrain(),
    }
    this.#queue ??= new SendQueue(this.conn, watcher, this.#socket.settings.queue)
    return this.#queue
  }

  /** True while messages wait because the kernel takes no more. */
  get isBlocked(): boolean {
    return this.#queue?.isBlocked === true
  }

  /** The descriptor is about to leave for another process, which may not know GRO buffers. */
  share(): void {
    if (this.#isShared) return
    this.#isShared = true
    if (this.#conn === undefined) return
    // Buffers that have arrived already: without UDP_GRO they would be taken for one datagram each.
    if (this.isReceiving) receiveTurn(this.conn, this.#socket.recipient, 'collect')
    this.conn.stopGro()
  }

  #borrow(): BatchConn {
    const { adopt } = this.#socket.settings
    return BatchConn.borrow(this.#handle.fd, this.#isShared ? { ...adopt, gro: false } : adopt)
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
      // libuv has the same rule, and does not see what is watched here.
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

  /** Returns 0, or the negative errno of an option that the kernel refuses: Node reports it as an error of `bind`. */
  #applyOptions(): number {
    try {
      this.conn.noteConnection()
      return 0
    } catch (error) {
      if (error instanceof ErrnoError) return error.errno
      throw error
    }
  }

  /** What Node's own `send` ends in: `port, address, hasCallback`, or `hasCallback` alone when connected. */
  #send(request: SendRequest, list: ArrayBufferView[], rest: unknown[]): number {
    const destination = rest.length > 1 ? destinationOf(rest, this.conn) : undefined
    if (destination === 'bad') return -c.EINVAL
    if (this.#socket.refuses(rest[1])) {
      // Node has no errno for it: where it knows the option, it never comes this far.
      if (rest.at(-1) === true) process.nextTick(() => request.callback?.(blockedError(String(rest[1]))))
      return 0
    }
    const pieces = list.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength))
    this.queue.add(pieces, destination, rest.at(-1) === true ? requestCompletion(request) : undefined)
    return 0
  }

  /** What was sent before the peer changes goes to the one it was meant for, or nowhere. */
  #settleQueue(): void {
    if (this.#queue !== undefined && this.#queue.length > 0) this.#queue.finish()
  }

  #setReceiving(isReceiving: boolean): number {
    // libuv binds here a handle that is not bound (uv__udp_recv_start in src/unix/udp.c).
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
      this.#watch = new PausableWatch(watch, () => onReady(c.EPOLLIN), this.#context)
    } else {
      this.#watch.update(events)
    }
    // Messages that wait keep the process alive, as a send that is under way in libuv does.
    if (this.#isReferenced || this.#isBlocked) this.#watch.ref()
    else this.#watch.unref()
  }

  #onReady(ready: number): void {
    if ((ready & c.EPOLLOUT) !== 0 && this.#isBlocked) this.queue.flush()
    // An error to be reported counts as something to receive.
    if ((ready & ~c.EPOLLOUT) === 0 || !this.isReceiving) return
    if ((ready & c.EPOLLERR) !== 0) this.conn.noteErrorEvent()
    receiveTurn(this.conn, this.#socket.recipient)
    const errors = this.#socket.settings.recvErrors ? this.#conn?.takeErrors() : undefined
    if (errors !== undefined && errors.length > 0) turn(() => this.#socket.onNetworkErrors(errors))
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

/** Descriptors of this thread that sockets receive from. */
const received = new Set<number>()

/** The native `bind`: one that the socket has replaced may be that of an earlier handle. */
function bindAnywhere(handle: NodeHandle): number {
  const { bind } = Object.getPrototypeOf(handle) as NodeHandle
  return bind.call(handle, '0.0.0.0', 0, 0)
}

/** Completes a send that came through Node's own `send`. */
function requestCompletion(request: SendRequest): Completion {
  const onSent: SendCallback = (error, bytes) => {
    if (error === null) request.oncomplete?.(0, bytes)
    else request.callback?.(error)
  }
  return completion(onSent, request.address, request.port)
}

function destinationOf([port, address]: unknown[], conn: BatchConn): Endpoint | 'bad' {
  const text = String(address)
  // libuv passes over the zone where there is no such interface.
  for (const written of text.includes('%') ? [text, text.split('%', 1)[0]] : [text]) {
    try {
      const made = endpoint({ address: written, port: Number(port) })
      if (made.family === conn.family) return made
    } catch {}
  }
  return 'bad'
}
