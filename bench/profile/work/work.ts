/** How far down a send goes before it turns round. Each step includes those before it. */
export const SEND_CALLS = ['none', 'pretend', 'crossing', 'entry', 'closed', 'probe', 'kernel', 'library'] as const

/**
 * - `none`: the batch is filled, nothing is called.
 * - `pretend`: the library's own path up to the system call, which a JavaScript function stands in for.
 * - `crossing`: through Koffi into a C function of the same signature that enters no kernel.
 * - `entry`: `sendmmsg` for no messages; `closed`: the call on descriptor -1. Both come back at once.
 * - `probe`: MSG_CONFIRM | MSG_PROBE: the kernel reads the headers and finds the route, and sends nothing.
 * - `kernel`: the real call, by the function the case is named for even if the batch holds one message.
 * - `library`: `BatchConn.send` or `BatchConn.recv` as users call it.
 */
export type SendCall = (typeof SEND_CALLS)[number]

/** What a receive does; there is nothing like a probe for it. */
export type ReceiveCall = Exclude<SendCall, 'closed' | 'probe'>

/** Work added on purpose, to see whether the profile finds it. */
export interface Planted {
  readonly messageNanoseconds: number
  readonly callNanoseconds: number
}

/** What one operation of a case does: one batch, or `repeat` of them. Plain data, so that it can cross to a worker. */
export type Work =
  | { readonly kind: 'loop'; readonly batch: number; readonly repeat: number }
  | {
      readonly kind: 'send'
      readonly call: SendCall
      readonly function: 'sendmsg' | 'sendmmsg'
      readonly batch: number
      readonly repeat: number
      readonly sizeBytes: number
      readonly connected: boolean
      readonly planted?: Planted
    }
  | { readonly kind: 'train'; readonly segments: number; readonly sizeBytes: number; readonly connected: boolean }
  | {
      readonly kind: 'receive'
      readonly call: ReceiveCall
      readonly function: 'recvmsg' | 'recvmmsg'
      readonly batch: number
      readonly repeat: number
      readonly sizeBytes: number
    }
  | {
      readonly kind: 'strategy'
      readonly strategy: string
      readonly batch: number
      readonly sizeBytes: number
      /** With the system call, or alone. */
      readonly withCall: boolean
    }
  | {
      readonly kind: 'crossing'
      readonly by: 'javascript' | 'koffi' | 'node:ffi'
      readonly function: 'sendmsg' | 'sendmmsg'
    }

/** How many messages one operation is about. */
export function messagesOf(work: Work): number {
  switch (work.kind) {
    case 'train':
      return work.segments
    case 'strategy':
      return work.batch
    case 'crossing':
      return 1
    default:
      return work.batch * work.repeat
  }
}

/** Something that can be done many times over, and timed. */
export interface Operation {
  /** No more than this at a time: a receive can take only what fits the socket's buffer. */
  readonly mostAtOnce: number
  /** Untimed: whatever the next `count` operations need. */
  ready(count: number): void
  /** @returns how many messages fell short of what was asked */
  run(count: number): number
  close(): void
}
