import * as dgram from 'node:dgram'
import type { EventfulSocket } from './events.js'

/**
 * What this drop-in needs of Node's own dgram: its Socket keeps its state under a symbol, and a native handle in there.
 * Undocumented, and the same from Node 20 to 26. Where it is not so, `stateOf` says so and node:dgram is used as it is.
 */
export interface NodeState {
  handle: NodeHandle | null
  readonly bindState: number
  readonly connectState: number
  readonly sendBlockList?: unknown
}

/** The native handle (libuv's uv_udp_t): it owns the descriptor, binds it and sets its options. */
export interface NodeHandle {
  readonly fd: number
  lookup: Lookup
  onmessage?: (status: number, handle: NodeHandle, bytes: Buffer | undefined, info: object | undefined) => void
  bind(address: string, port: number, flags: number): number
  open(fd: number): number
  send(request: SendRequest, list: ArrayBufferView[], count: number, ...rest: unknown[]): number
  connect(address: string, port: number): number
  disconnect(): number
  recvStart(): number
  recvStop(): number
  close(callback?: () => void): void
  ref(): void
  unref(): void
  hasRef(): boolean
  getSendQueueSize(): number
  getSendQueueCount(): number
}

/**
 * Node's Socket as it can really be constructed: with what `createSocket` takes, which @types/node does not show. And
 * with the events a subclass of ours emits.
 */
type NodeSocketConstructor = new (
  options: dgram.SocketType | dgram.SocketOptions,
  listener?: (...args: never[]) => void,
) => EventfulSocket

/** Under this name a constructor that replaces node:dgram's Socket holds Node's own. */
export const REPLACED = Symbol.for('batchconn.dgram.replaced')

export const NodeSocket: NodeSocketConstructor = findNodeSocket()

// Another copy of this package may be registered in node:dgram's place.
function findNodeSocket(): NodeSocketConstructor {
  const replaced: unknown = Reflect.get(dgram.Socket, REPLACED)
  return (replaced ?? dgram.Socket) as NodeSocketConstructor
}

/** True while `send` of node:dgram is Node's own function. Tracers and stubs replace it, and must see each call. */
export function isNodeSendOriginal(): boolean {
  return NODE_PROTOTYPE.send === NODE_SEND
}

const NODE_PROTOTYPE = NodeSocket.prototype
const NODE_SEND = findNodeSend()

/** Returns Node's own `send`; undefined if a wrapper replaced it before this module was loaded. */
function findNodeSend(): unknown {
  const { send } = NODE_PROTOTYPE
  // A symbol that only Node's own source can name, from Node 20 to 26. A Proxy or bound function has no source text.
  return Function.prototype.toString.call(send).includes('kStateSymbol') ? send : undefined
}

/** How a socket turns an address into a numeric one: at once or later. */
export type Lookup = (address: string | undefined, callback: (error: Error | null, address: string) => void) => void

/** Node's record of one send. */
export interface SendRequest {
  readonly callback?: (error: Error) => void
  readonly address?: string
  readonly port?: number
  oncomplete?(status: number, size?: number): void
}

/** `state.bindState` and `state.connectState` of a socket that is bound, or connected. */
export const READY = 2

/** The state of a socket of Node's; undefined if this runtime keeps it in some other way. */
export function stateOf(socket: dgram.Socket): NodeState | undefined {
  const symbol = stateSymbol(socket)
  const state: unknown = symbol === undefined ? undefined : Reflect.get(socket, symbol)
  return isNodeState(state) ? state : undefined
}

/** Follows the native handle of a socket. */
export interface HandleObserver {
  /** The socket has this handle now; null after `close`. `bind` to a handle replaces the first one, and so does a cluster. */
  onHandle(handle: NodeHandle | null): void
  /** The handle is about to be sent to another process. */
  onShare(): void
}

/** Starts to follow the socket's handle, the present one included. @returns the socket's state from now on */
export function watchHandle(socket: dgram.Socket, state: NodeState, observer: HandleObserver): NodeState {
  const watched = new WatchedState(socket, state, observer)
  Reflect.set(socket, stateSymbol(socket) ?? '', watched)
  return watched
}

/** Notes that the `type` of a socket is read: for `subprocess.send(message, socket)` Node reads it just before the handle. */
export function noteTypeRead(socket: object): void {
  typeReadOf = socket
}

let typeReadOf: object | undefined

function isSentToProcess(): boolean {
  // The program's own prepareStackTrace may return anything, and must not be called here.
  const restore = [replaceStatic('stackTraceLimit', 10), replaceStatic('prepareStackTrace', undefined)]
  const { stack } = new Error()
  for (const each of restore) each()
  return stack?.includes('node:internal/child_process') === true
}

/** Replaces a property of Error for a while. @returns restores it, or removes it if it was not there */
function replaceStatic(name: 'stackTraceLimit' | 'prepareStackTrace', value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(Error, name)
  Reflect.defineProperty(Error, name, before === undefined ? { value, writable: true, configurable: true } : { value })
  return () => {
    if (before === undefined) Reflect.deleteProperty(Error, name)
    else Reflect.defineProperty(Error, name, before)
  }
}

// Not Node's object with its `handle` made an accessor: V8 then keeps all of its properties in a hash table, and every
// message sent reads some of them.
class WatchedState implements NodeState {
  declare readonly bindState: number
  declare readonly connectState: number
  readonly #socket: dgram.Socket
  readonly #observer: HandleObserver
  #handle: NodeHandle | null = null

  constructor(socket: dgram.Socket, { handle, ...rest }: NodeState, observer: HandleObserver) {
    this.#socket = socket
    this.#observer = observer
    Object.assign(this, rest)
    this.handle = handle
  }

  get handle(): NodeHandle | null {
    if (typeReadOf === this.#socket) {
      typeReadOf = undefined
      if (isSentToProcess()) this.#observer.onShare()
    }
    return this.#handle
  }

  set handle(handle: NodeHandle | null) {
    this.#handle = handle
    this.#observer.onHandle(handle)
  }
}

function stateSymbol(socket: dgram.Socket): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
}

function isNodeState(state: unknown): state is NodeState {
  if (typeof state !== 'object' || state === null || !('handle' in state)) return false
  // A socket whose signal was aborted beforehand has closed its handle already.
  return 'bindState' in state && 'connectState' in state && (state.handle === null || isNodeHandle(state.handle))
}

/** True for a native handle with everything that is built on here. */
export function isNodeHandle(handle: unknown): handle is NodeHandle {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'fd' in handle &&
    METHODS.every((name) => typeof Reflect.get(handle, name) === 'function')
  )
}

const METHODS = [
  'bind',
  'open',
  'send',
  'connect',
  'disconnect',
  'recvStart',
  'recvStop',
  'close',
  'ref',
  'unref',
  'hasRef',
]
