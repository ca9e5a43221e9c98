import type { Case } from '../../engine/case.js'

export const SEND_FUNCTIONS = ['sendmsg', 'sendmmsg'] as const
export const RECEIVE_FUNCTIONS = ['recvmsg', 'recvmmsg'] as const
export type SendFunction = (typeof SEND_FUNCTIONS)[number]
export type ReceiveFunction = (typeof RECEIVE_FUNCTIONS)[number]

/**
 * How far a send goes. Each depth includes those before it.
 *
 * - `none`: the batch is filled, nothing is called.
 * - `pretend`: the library's path to the system call, with a JavaScript function in place of the call.
 * - `crossing`: through Koffi into a C function of the same signature that does not enter the kernel.
 * - `entry`: `sendmmsg` or `recvmmsg` for no messages, which returns at once.
 * - `probe`: MSG_CONFIRM | MSG_PROBE: the kernel reads the headers and looks up the route, and sends nothing.
 * - `kernel`: the real call, by the function that the case names, even for one message.
 * - `library`: `BatchConn.send` or `BatchConn.recv` as users call it.
 */
export type SendDepth = 'none' | 'pretend' | 'crossing' | 'entry' | 'probe' | 'kernel' | 'library'

/** How far a receive goes; it has no probe. */
export type ReceiveDepth = Exclude<SendDepth, 'probe'>

/** What a crossing case calls: a JavaScript function, or C through one of two FFIs. */
export type CrossingBy = 'javascript' | 'koffi' | 'node:ffi'

/** One operation calls the function `repeat` times, each time for `batch` messages. */
interface Calls<Depth, Name> {
  readonly depth: Depth
  readonly function: Name
  readonly batch: number
  readonly repeat: number
  readonly sizeBytes: number
}

interface WorkByKind {
  readonly loop: { readonly batch: number }
  readonly send: Calls<SendDepth, SendFunction> & { readonly connected: boolean }
  readonly gso: { readonly segments: number; readonly sizeBytes: number; readonly connected: boolean }
  readonly receive: Calls<ReceiveDepth, ReceiveFunction>
  /** Prepares a batch, with the system call or alone. */
  readonly encode: {
    readonly encoder: string
    readonly batch: number
    readonly sizeBytes: number
    readonly withCall: boolean
  }
  readonly crossing: { readonly by: CrossingBy; readonly function: SendFunction }
}

/** What one operation of a case does. Plain data, for the worker process. */
export type WorkOf<Kind extends keyof WorkByKind> = { readonly kind: Kind } & WorkByKind[Kind]
export type Work = { [Kind in keyof WorkByKind]: WorkOf<Kind> }[keyof WorkByKind]
export type ProfileCase = Case<Work>

export interface Subject {
  /** Messages per batch in the cost breakdown. */
  readonly batch: number
  readonly sizeBytes: number
  /** Batch sizes of the lines and encoders. */
  readonly batches: readonly number[]
  readonly hasSplittingSink: boolean
  /**
   * Number of processes in which the whole send, and what it is compared with, are measured. The location of its memory makes up
   * to one percent of difference between processes.
   */
  readonly replicas: number
}

/** Returns how many messages one call of a function has. */
export function batchOf(name: SendFunction | ReceiveFunction, batch: number): number {
  return name === 'sendmsg' || name === 'recvmsg' ? 1 : batch
}
