import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { check } from '../libc/check.js'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../libc/constants.js'
import { libc } from '../libc/libc.js'

/**
 * Node's native pipe handle (`uv_pipe_t`), with the members used here. Undocumented, and unchanged from Node 20 to 26.
 *
 * The handle owns the descriptor on which it is opened. `close` closes both, and so does any end of the thread.
 */
export interface Pipe {
  /** Called after each read, including a failed one. */
  onread: () => void
  /** Descriptor; -1 if there is none. */
  readonly fd: number
  /** Returns 0, or a negative errno. Also sets O_NONBLOCK on the descriptor. */
  open(fd: number): number
  readStart(): number
  /** Reads into this memory instead of allocating 64 KiB per read. */
  useUserBuffer(memory: Uint8Array): void
  ref(): void
  unref(): void
  close(): void
}

/**
 * Returns a pipe handle without a descriptor, for a worker thread. Undefined in the main thread, and if this runtime has no
 * such handle.
 *
 * Create and open a descriptor in one expression, `pipe.open(socket(…))`: `terminate()` takes effect where a JavaScript
 * function begins, and would leave a descriptor without an owner open.
 */
export function newPipe(): Pipe | undefined {
  if (isMainThread) return undefined
  pipeClass ??= findPipeClass()
  return pipeClass === 'missing' ? undefined : new pipeClass(PIPE_SOCKET)
}

// `net.Socket` creates a pipe handle for the descriptor of a Unix socket. The class itself is not exported.
function findPipeClass(): PipeClass | 'missing' {
  const fd = check(libc().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 'socket')
  const socket = new Socket({ fd, readable: false, writable: false })
  const handle: unknown = Reflect.get(socket, '_handle')
  socket.destroy()
  return isPipe(handle) ? (handle.constructor as PipeClass) : 'missing'
}

type PipeClass = new (type: number) => Pipe

function isPipe(handle: unknown): handle is Pipe {
  if (typeof handle !== 'object' || handle === null) return false
  return METHODS.every((name) => typeof Reflect.get(handle, name) === 'function')
}

const METHODS = ['open', 'readStart', 'useUserBuffer', 'ref', 'unref', 'close'] as const

/** Value of `PipeConstants.SOCKET` (node's src/pipe_wrap.h). */
const PIPE_SOCKET = 0

let pipeClass: PipeClass | 'missing' | undefined
