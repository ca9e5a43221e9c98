import { isMainThread } from 'node:worker_threads'
import { typeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { Messages } from '../batch/messages.js'
import type { Offload, SendPlan } from '../batch/send-plan.js'
import { lastErrno } from '../libc/check.js'
import { EAGAIN, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_ZEROCOPY, SO_ZEROCOPY, SOL_SOCKET } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import { libc } from '../libc/libc.js'
import { areMarksObeyed } from '../memory/undetachable.js'
import type { BatchedCalls } from './batched-calls.js'
import type { ErrorQueue } from './error-queue.js'
import { type FeatureStatus, isSet, off } from './feature-status.js'
import { setIntegerOption } from './option.js'
import type { ZeroCopySends } from './zero-copy-sends.js'

/** Options of zero-copy sends. */
export interface ZeroCopyOptions {
  /** Size of the shortest GSO send that is not copied, in bytes, 1 to 65527. Default 16384, below which pinning memory costs more than copying it (docs/benchmark.md). */
  minBytes?: number
}

/** Status of zero-copy sends, with the reason and counts. */
export interface ZeroCopyStatus extends FeatureStatus {
  /** Number of sends whose memory the kernel no longer reads. */
  readonly completed: number
  /** Number of `completed` sends that the kernel has copied after all. */
  readonly copied: number
  /** Number of sends whose memory the kernel may still read. */
  readonly inFlight: number
}

/**
 * Zero-copy sends of one socket (MSG_ZEROCOPY). Used for GSO sends only: a single datagram is either shorter than copying is
 * worth, or longer than the MTU, and the kernel copies what it fragments (net/ipv4/ip_output.c, `__ip_append_data`).
 */
export class ZeroCopy {
  readonly sends: ZeroCopySends
  /** True if the last plan is to be sent by `send`. */
  isPlanned = false
  readonly #fd: number
  readonly #calls: BatchedCalls
  readonly #errors: ErrorQueue
  readonly #minBytes: number
  #off: FeatureStatus | undefined
  #copiesNext = false
  #unread = 0

  /** @param option - the option of the same name of `open` */
  constructor(
    fd: number,
    option: boolean | ZeroCopyOptions,
    sends: ZeroCopySends,
    calls: BatchedCalls,
    errors: ErrorQueue,
  ) {
    this.sends = sends
    this.#fd = fd
    this.#calls = calls
    this.#errors = errors
    const given = typeof option === 'boolean' ? {} : validate.options(option, 'zeroCopy', ['minBytes'])
    const { minBytes = DEFAULT_MIN_BYTES } = given
    this.#minBytes = validate.integer(minBytes, 'zeroCopy.minBytes', 1, 65_527)
    this.#off = openZeroCopy(fd)
  }

  get status(): ZeroCopyStatus {
    const { completed, copied, inFlight, copiedInRow, lossReason } = this.sends
    if (lossReason !== undefined) this.#off = off(lossReason)
    else if (copiedInRow >= USELESS_SENDS) {
      this.#off ??= off(`the kernel has copied the last ${copiedInRow} sends: the device does not support zero-copy`)
    }
    const status = this.#off ?? {
      available: true,
      reason: `GSO sends from ${this.#minBytes} bytes on are not copied${EXCEPTION}`,
    }
    return { ...status, completed, copied, inFlight }
  }

  /**
   * Returns the headers of the next call: only such as are sent with zero-copy, or only such as are copied. A call has one set
   * of flags.
   */
  plan(messages: Messages, end: number, offload: Offload): SendPlan {
    const { planner, sent } = messages
    const plan = planner.plan(end, offload)
    this.isPlanned = false
    if (messages.segmented === 0) return plan
    if (this.#copiesNext) {
      this.#copiesNext = false
      return planner.plan(sent + 1, offload)
    }
    if (!this.#isOn) return plan
    const isSuitable = this.#isSuitable(messages, sent)
    let runEnd = sent + 1
    while (runEnd < end && this.#isSuitable(messages, runEnd) === isSuitable) runEnd += 1
    // Without a segment size the plan sends single datagrams, because GSO is off or was rejected.
    this.isPlanned = isSuitable && plan.segmentBytes > 0
    return runEnd === end ? plan : planner.plan(runEnd, offload)
  }

  /**
   * Sends a plan without copying.
   *
   * @returns number of headers accepted; `COPY_NEXT` if the first message must be sent in the ordinary way, which reports its
   *   error if there is one; or a negative errno
   */
  send(plan: SendPlan, messages: Messages): number {
    const { sends } = this
    if (this.#unread >= SENDS_PER_DRAIN) this.drain()
    messages.holdReferences(messages.sent, plan.count)
    // Before the call: the execution can be terminated directly after it (node:vm, a stack overflow).
    const record = sends.begin(messages, plan.count)
    messages.isSending = true
    const result = this.#call(plan)
    // A message that fails late, in a firewall or a full queue, has used an id. The kernel completes it before it returns.
    sends.hasFailed = result < plan.count && result !== -EAGAIN
    sends.settle(record, Math.max(0, result))
    if (result > 0) this.#unread += result
    else messages.isSending = false
    if (!sends.hasFailed) return result
    const found = this.drain(Math.max(0, -result))
    sends.hasFailed = false
    if (result > 0) return result
    if (found === 'local') return result
    this.#copiesNext = true
    return COPY_NEXT
  }

  /** @throws TypeError `ERR_BATCH_IN_FLIGHT` */
  assertIdle(): void {
    if (this.sends.inFlight > 0) this.drain()
    const { inFlight } = this.sends
    if (inFlight === 0) return
    const message = `the kernel may still read the memory of ${inFlight} zero-copy sends; await conn.released(batch) before release()`
    throw typeError('ERR_BATCH_IN_FLIGHT', message)
  }

  /** Reads the completions, and network errors, that have arrived. */
  drain(errno?: number): ReturnType<ErrorQueue['drain']> {
    this.#unread = 0
    return this.#errors.drain(errno)
  }

  get #isOn(): boolean {
    const { copiedInRow, hasFailed, lossReason } = this.sends
    return this.#off === undefined && copiedInRow < USELESS_SENDS && !hasFailed && lossReason === undefined
  }

  #isSuitable(messages: Messages, position: number): boolean {
    const { slots, order } = messages
    const slot = order.slotAt(position)
    return slots.segmentBytes(slot) > 0 && slots.size(slot) >= this.#minBytes && messages.canHold(slot)
  }

  #call({ address, count }: SendPlan): number {
    const { sendmsg, sendmmsg } = libc()
    const isBatch = count > 1 && this.#calls.status.available
    const sent = isBatch ? sendmmsg(this.#fd, address, count, FLAGS) : sendmsg(this.#fd, address, FLAGS)
    const result = sent < 0 ? -lastErrno() : isBatch ? sent : 1
    this.#calls.counters.sendCall(result)
    return result
  }
}

/** Enables MSG_ZEROCOPY. @returns the status if that is impossible */
function openZeroCopy(fd: number): FeatureStatus | undefined {
  if (isSet('BATCHCONN_NO_ZEROCOPY')) return off('the environment variable BATCHCONN_NO_ZEROCOPY is set')
  // `terminate()` frees a worker's memory without running JavaScript, while the kernel may still read it.
  if (!isMainThread) return off('a worker thread can be terminated while the kernel reads its memory')
  try {
    setIntegerOption(fd, SOL_SOCKET, SO_ZEROCOPY, 1)
    return undefined
  } catch (error) {
    if (error instanceof ErrnoError) return off(`the kernel does not support SO_ZEROCOPY for UDP (${error.code})`)
    throw error
  }
}

/** Status of a socket that was opened without the option. */
export const NO_ZERO_COPY: ZeroCopyStatus = {
  ...off('the option zeroCopy is not set'),
  completed: 0,
  copied: 0,
  inFlight: 0,
}

/** Result of `send`: the next plan contains the first message only, and is sent in the ordinary way. */
export const COPY_NEXT = -(2 ** 30)

/** Memory that other code can detach while the kernel reads it is copied (docs/memory-safety.md). */
const EXCEPTION = areMarksObeyed ? '' : ', except references, if not to shared memory'

const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_ZEROCOPY

const DEFAULT_MIN_BYTES = 16_384

/** Number of sends in a row that the kernel copies, after which zero-copy is off. */
const USELESS_SENDS = 16

/** Number of sends between two reads of the error queue. */
const SENDS_PER_DRAIN = 32
