import * as dgram from 'node:dgram'
import type { EventfulSocket } from './events.js'

/**
 * State of Node's own dgram socket, stored under a symbol, with the native handle. Undocumented, and unchanged from Node 20
 * to 26. In another runtime `stateOf` returns undefined, and node:dgram is used without batching.
 */
export interface NodeState {
  handle: NodeHandle | null
  readonly bindState: number
  readonly connectState: number
  readonly sendBlockList?: unknown
}

/** Native handle (libuv's uv_udp_t), which owns the descriptor, binds it and sets its options. */
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
  /**
   * Sets the size of a buffer, or reads it if `size` is 0.
   *
   * @returns undefined if it failed; `context` then has the error
   */
  bufferSize?(size: number, isReceive: boolean, context: object): number | undefined
  getSendQueueSize(): number
  getSendQueueCount(): number
}

/**
 * Constructor of Node's Socket with the arguments of `createSocket`, which @types/node omits, and with the events that our
 * subclass emits.
 */
type NodeSocketConstructor = new (
  options: dgram.SocketType | dgram.SocketOptions,
  listener?: (...args: never[]) => void,
) => EventfulSocket

/** Key under which a constructor that replaces node:dgram's Socket stores the original one. */
export const REPLACED = Symbol.for('batchconn.dgram.replaced')

export const NodeSocket: NodeSocketConstructor = findNodeSocket()

// Another copy of this package may already have replaced node:dgram's Socket.
function findNodeSocket(): NodeSocketConstructor {
  const replaced: unknown = Reflect.get(dgram.Socket, REPLACED)
  return (replaced ?? dgram.Socket) as NodeSocketConstructor
}

/** Returns true while `send` of node:dgram is Node's own function. Tracers and stubs replace it, and must see each call. */
export function isNodeSendOriginal(): boolean {
  return NODE_PROTOTYPE.send === NODE_SEND
}

const NODE_PROTOTYPE = NodeSocket.prototype
const NODE_SEND = findNodeSend()

/** Returns Node's own `send`; undefined if a wrapper replaced it before this module was loaded. */
function findNodeSend(): unknown {
  const { send } = NODE_PROTOTYPE
  // Only Node's own source contains this symbol name (Node 20 to 26). A Proxy or bound function has no source text.
  return Function.prototype.toString.call(send).includes('kStateSymbol') ? send : undefined
}

/** Resolves an address to a numeric one, synchronously or later. */
export type Lookup = (address: string | undefined, callback: (error: Error | null, address: string) => void) => void

/** Node's request object of one send. */
export interface SendRequest {
  readonly callback?: (error: Error) => void
  readonly address?: string
  readonly port?: number
  oncomplete?(status: number, size?: number): void
}

/** Value of `state.bindState` of a bound socket, and of `state.connectState` of a connected one. */
export const READY = 2

/** Returns the state of a socket; undefined if the internals of node:dgram differ in this runtime. */
export function stateOf(socket: dgram.Socket): NodeState | undefined {
  const symbol = stateSymbol(socket)
  const state: unknown = symbol === undefined ? undefined : Reflect.get(socket, symbol)
  return isNodeState(state) ? state : undefined
}

/** Observes the native handle of a socket. */
export interface HandleObserver {
  /** Called with the current handle; null after `close`. `bind` to a handle, and a cluster, replace the first one. */
  onHandle(handle: NodeHandle | null): void
  /** Called before the handle is sent to another process. */
  onShare(): void
}

/**
 * Observes the socket's handle, starting with the current one.
 *
 * @returns the new state object of the socket
 */
export function watchHandle(socket: dgram.Socket, state: NodeState, observer: HandleObserver): NodeState {
  const watched = new WatchedState(socket, state, observer)
  Reflect.set(socket, stateSymbol(socket) ?? '', watched)
  return watched
}

/**
 * Detects that a socket is about to be sent to another process: `subprocess.send(message, socket)` reads its `type` just
 * before its handle.
 */
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

/**
 * Replaces a property of Error temporarily.
 *
 * @returns a function that restores it, or removes it if it did not exist
 */
function replaceStatic(name: 'stackTraceLimit' | 'prepareStackTrace', value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(Error, name)
  Reflect.defineProperty(Error, name, before === undefined ? { value, writable: true, configurable: true } : { value })
  return () => {
    if (before === undefined) Reflect.deleteProperty(Error, name)
    else Reflect.defineProperty(Error, name, before)
  }
}

// A class instead of an accessor `handle` on Node's object: V8 would then store all properties of that object in a hash
// table, and each send reads some of them.
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
  // A socket whose signal was already aborted has closed its handle.
  return 'bindState' in state && 'connectState' in state && (state.handle === null || isNodeHandle(state.handle))
}

/** Returns true for a native handle with all members that this module uses. */
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
