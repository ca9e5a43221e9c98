import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { check } from '../libc/check.js'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../libc/constants.js'
import { libc } from '../libc/libc.js'
import { scratch } from '../memory/scratch.js'

/**
 * The part of Node's native pipe handle (`uv_pipe_t`) that is used here. Undocumented, and the same from Node 20 to 26.
 *
 * The handle owns the descriptor it is opened on: `close` closes both, and so does the end of the thread, however it ends.
 */
export interface Pipe {
  /** Called after each read, a failed one included. */
  onread: () => void
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
 * Opens a pipe handle on any descriptor.
 *
 * @returns undefined where this runtime has no such handle, or refuses the descriptor
 */
export function openPipe(fd: number): Pipe | undefined {
  pipeClass ??= findPipeClass()
  if (pipeClass === 'missing' || fd <= STDERR) return undefined
  const pipe = new pipeClass(PIPE_SOCKET)
  if (pipe.open(fd) === 0) return pipe
  pipe.close()
  return undefined
}

/** True if this thread can be terminated while the process goes on: then its descriptors need an owner. */
export const isWorkerThread = !isMainThread

// `net.Socket` makes a pipe handle for a descriptor of a Unix socket; the class is not exported.
function findPipeClass(): PipeClass | 'missing' {
  const { slabs, view } = scratch()
  const { offset, address } = slabs.value
  check(libc().socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, address), 'socketpair')
  const [fd, other] = [view.getInt32(offset, true), view.getInt32(offset + 4, true)]
  const socket = new Socket({ fd, readable: false, writable: false })
  const handle: unknown = Reflect.get(socket, '_handle')
  socket.destroy()
  libc().close(other)
  return isPipe(handle) ? (handle.constructor as PipeClass) : 'missing'
}

type PipeClass = new (type: number) => Pipe

function isPipe(handle: unknown): handle is Pipe {
  if (typeof handle !== 'object' || handle === null) return false
  return METHODS.every((name) => typeof Reflect.get(handle, name) === 'function')
}

const METHODS = ['open', 'readStart', 'useUserBuffer', 'ref', 'unref', 'close'] as const

/** `PipeConstants.SOCKET` (node's src/pipe_wrap.h). */
const PIPE_SOCKET = 0

/** libuv never closes the standard streams' descriptors (`uv__stream_close`). */
const STDERR = 2

let pipeClass: PipeClass | 'missing' | undefined
