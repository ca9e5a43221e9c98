import { AsyncResource } from 'node:async_hooks'
import { isIP } from 'node:net'
import { type Endpoint, endpoint } from '../endpoint/endpoint.js'
import * as c from '../libc/constants.js'
import { watchDirectly } from '../loop/direct-watch.js'
import { BatchConn } from '../socket/batch-conn.js'
import type { OffloadStatus } from '../socket/segmentation-offload.js'
import { type Completion, completion, type SendCallback } from './completion.js'
import type { NodeHandle, SendRequest } from './node-socket.js'
import { adoptOptions, type SocketOptions } from './options.js'
import { type Recipient, receiveTurn } from './receiver.js'
import { RestingWatch } from './resting-watch.js'
import { blockedError } from './send-error.js'
import { SendQueue } from './send-queue.js'

/**
 * Takes over the sending and receiving of one of Node's native handles, and leaves it the rest: the descriptor is its
 * own, and so are binding, options and closing. libuv never watches the descriptor; the reactor does.
 */
export class Accelerator {
  readonly #handle: NodeHandle
  readonly #recipient: Recipient
  readonly #options: SocketOptions
  // Events come in the context the socket was made in, as they do from a native handle.
  readonly #context = new AsyncResource('BATCHCONN_DGRAM')
  #conn: BatchConn | undefined
  #queue: SendQueue | undefined
  #watch: RestingWatch | undefined
  /** True from `recvStart` to `recvStop`. */
  isReceiving = false
  #isBlocked = false
  #isReferenced: boolean

  constructor(handle: NodeHandle, recipient: Recipient, options: SocketOptions) {
    this.#handle = handle
    this.#recipient = recipient
    this.#options = options
    this.#isReferenced = handle.hasRef()
    this.#patch()
  }

  /** The socket underneath, once it has a descriptor. */
  get conn(): BatchConn {
    this.#conn ??= BatchConn.borrow(this.#handle.fd, adoptOptions(this.#options))
    return this.#conn
  }

  /** Why there is one system call per message; undefined if there is not. */
  get refusal(): OffloadStatus | undefined {
    const status = this.#conn?.batching
    return status?.state === 'off' ? status : undefined
  }

  get queue(): SendQueue {
    this.#queue ??= new SendQueue(this.conn, {
      onLargeBatch: () => this.#watch?.rest(),
      onBlocked: (isBlocked) => {
        this.#isBlocked = isBlocked
        this.#refresh()
      },
    })
    return this.#queue
  }

  #patch(): void {
    const handle = this.#handle
    const { ref, unref, close, connect, disconnect } = handle
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
    handle.connect = (address, port) => {
      this.#settleQueue()
      const status = this.refuses(address) ? -c.EPERM : connect.call(handle, address, port)
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

  /** What Node's own `send` ends in: `port, address, hasCallback`, or `hasCallback` alone when connected. */
  #send(request: SendRequest, list: ArrayBufferView[], rest: unknown[]): number {
    const destination = rest.length > 1 ? destinationOf(rest, this.conn) : undefined
    if (destination === 'bad') return -c.EINVAL
    if (this.refuses(rest[1])) {
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

  /** True for an address on the send block list. */
  refuses(address: unknown): boolean {
    const { sendBlockList } = this.#options
    if (sendBlockList === undefined || typeof address !== 'string') return false
    return sendBlockList.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  #setReceiving(isReceiving: boolean): number {
    this.isReceiving = isReceiving
    this.#refresh()
    return 0
  }

  #setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced
    if (isReferenced) this.#watch?.ref()
    else this.#watch?.unref()
  }

  #refresh(): void {
    const events = (this.isReceiving ? c.EPOLLIN : 0) | (this.#isBlocked ? c.EPOLLOUT : 0)
    if (events === 0) {
      this.#watch?.close()
      this.#watch = undefined
    } else if (this.#watch === undefined) {
      const onReady = (ready: number) => this.#onReady(ready)
      const watch = watchDirectly(this.conn.fd, events, onReady, this.#context)
      this.#watch = new RestingWatch(watch, () => onReady(c.EPOLLIN), this.#context)
      if (!this.#isReferenced) this.#watch.unref()
    } else {
      this.#watch.update(events)
    }
  }

  #onReady(ready: number): void {
    if ((ready & c.EPOLLOUT) !== 0 && this.#isBlocked) this.queue.flush()
    // An error to be told counts as something to receive.
    if ((ready & ~c.EPOLLOUT) !== 0 && this.isReceiving) receiveTurn(this.conn, this.#recipient)
  }

  #dispose(): void {
    this.#queue?.finish()
    this.isReceiving = false
    this.#isBlocked = false
    this.#refresh()
    this.#conn?.release()
    this.#conn = undefined
  }
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
