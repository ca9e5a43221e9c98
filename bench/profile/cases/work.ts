import type { Case } from '../../engine/case.js'

export type SendFunction = 'sendmsg' | 'sendmmsg'
export type ReceiveFunction = 'recvmsg' | 'recvmmsg'
export const SEND_FUNCTIONS: readonly SendFunction[] = ['sendmsg', 'sendmmsg']
export const RECEIVE_FUNCTIONS: readonly ReceiveFunction[] = ['recvmsg', 'recvmmsg']

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

/** Cost that a test adds, to check that the profile finds it. */
export interface InjectedCost {
  readonly messageNanoseconds: number
  readonly callNanoseconds: number
}

/** What one operation of a case does: one batch, or `repeat` of them. Plain data, for the worker process. */
export type Work =
  | { readonly kind: 'loop'; readonly batch: number }
  | {
      readonly kind: 'send'
      readonly depth: SendDepth
      readonly function: SendFunction
      readonly batch: number
      readonly repeat: number
      readonly sizeBytes: number
      readonly connected: boolean
      readonly injected?: InjectedCost
    }
  | { readonly kind: 'gso'; readonly segments: number; readonly sizeBytes: number; readonly connected: boolean }
  | {
      readonly kind: 'receive'
      readonly depth: ReceiveDepth
      readonly function: ReceiveFunction
      readonly batch: number
      readonly repeat: number
      readonly sizeBytes: number
    }
  | {
      readonly kind: 'encode'
      readonly encoder: string
      readonly batch: number
      readonly sizeBytes: number
      /** With the system call, or alone. */
      readonly withCall: boolean
    }
  | { readonly kind: 'crossing'; readonly by: CrossingBy; readonly function: SendFunction }

/** What a crossing case calls: a JavaScript function, or C through one of two FFIs. */
export type CrossingBy = 'javascript' | 'koffi' | 'node:ffi'

export type ProfileCase = Case<Work>

/** What a run measures. */
export interface Subject {
  /** Messages per batch in the cost breakdown. */
  readonly batch: number
  /** Bytes per payload. */
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
