import { ErrnoError } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import type { SocketFacts } from './outgoing.js'
import type { SendModel } from './send-model.js'
import { expect, Violation } from './violation.js'

/** Result of one `send`: a count, or what it threw. */
export type SendOutcome = { readonly count: number } | { readonly error: unknown }

/** State before a `send`. */
export interface Before {
  readonly position: number
  readonly datagrams: number
}

/** Checks a count that `send` returned. */
export function judgeCount(count: number, before: Before, model: SendModel, socket: SocketFacts): void {
  const accepted = model.position - before.position
  expect(count === accepted, () => `send returned ${count}; the kernel accepted ${accepted} messages`)
  if (model.remaining === 0) return
  if (count === 0) {
    expect(
      model.wouldBlock,
      () => `send returned 0, which means "would block"; the last answer was ${model.lastAnswer}`,
    )
    return
  }
  model.tally.shortCounts += 1
  const hasReason = model.hasRefused || model.candidates.some((index) => model.unsendable(socket, index) !== undefined)
  expect(hasReason, () => `send stopped at message ${model.index} for no reason`)
}

/**
 * Checks that a message may fail with this error, and makes it the next one of the model.
 *
 * @param localErrors - errors that the error queue attributed to this host since the rejections began
 */
export function judgeFailure(
  error: unknown,
  model: SendModel,
  socket: SocketFacts,
  localErrors: ReadonlySet<number>,
): void {
  expect(error instanceof Error && 'code' in error && 'index' in error, () => `unexpected error: ${describe(error)}`)
  const { code, index } = error
  expect(typeof index === 'number', () => `the index is ${index}: ${error}`)
  model.select(index)
  const unsendable = model.unsendable(socket)
  model.tally.failedMessages += 1
  if (unsendable !== undefined) {
    expect(code === unsendable, () => `message ${index} failed with ${code}, not ${unsendable}`)
    expect(model.refusals.length === 0, () => `message ${index} reached the kernel`)
    return
  }
  if (code === 'ERR_NO_PROGRESS') {
    expect(model.gaveNothing, () => 'ERR_NO_PROGRESS without a return value of 0')
    return
  }
  if (!(error instanceof ErrnoError)) throw new Violation(`message ${index} failed with ${describe(error)}`)
  judgeErrno(-error.errno, model, localErrors)
}

/** Checks that one `send` did not make too many system calls. */
export function judgeCalls(model: SendModel, before: Before): void {
  const { calls, acceptingCalls, interruptions, failures } = model
  expect(calls === acceptingCalls + interruptions + failures, () => 'the kernel counted its calls wrongly')
  // A rejected message is retried a limited number of times, and only the next message is tried at all.
  const limit = FAILURES_PER_MESSAGE * (acceptingCalls + 1)
  expect(failures <= limit, () => `${failures} rejections in one send, ${limit} is the most`)
  expect(acceptingCalls <= before.datagrams, () => `${acceptingCalls} calls for ${before.datagrams} datagrams`)
}

function judgeErrno(errno: number, model: SendModel, localErrors: ReadonlySet<number>): void {
  const last = model.refusals.at(-1)
  expect(
    last?.answer === errno,
    () => `message ${model.index} failed with errno ${errno}; the answer was ${last?.answer}`,
  )
  expect(!TEMPORARY.has(errno), () => `message ${model.index} failed with errno ${errno}, which is temporary`)
  const isGso = (last.message?.segmentBytes ?? 0) > 0
  expect(!(isGso && GSO_ERRORS.has(errno)), () => `message ${model.index} failed because of GSO (errno ${errno})`)
  if (localErrors.has(errno)) return
  const same = model.refusals.filter(({ answer, message }) => {
    return answer === errno && (!GSO_ERRORS.has(errno) || (message?.segmentBytes ?? 0) === 0)
  })
  expect(
    same.some(({ message }) => message !== undefined),
    () => `message ${model.index} failed because sendmmsg is missing (errno ${errno})`,
  )
  // The error can belong to an earlier datagram; the second attempt then succeeds (udp(7)).
  const attempts = errno === c.ECONNREFUSED ? 16 : 2
  expect(same.length >= attempts, () => `message ${model.index} failed after errno ${errno} came ${same.length} times`)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}

const TEMPORARY = new Set([c.EAGAIN, c.ENOBUFS, c.EINTR])

const GSO_ERRORS = new Set([c.EIO, c.EINVAL, c.EMSGSIZE])

/**
 * Per errno: ECONNREFUSED is attempted 16 times, the other ten twice. All that for a GSO send and again for its first
 * segment, and with two calls per attempt while sendmmsg returns EPERM.
 */
const FAILURES_PER_MESSAGE = 4 * (16 + 10 * 2)
