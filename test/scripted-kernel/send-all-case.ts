import fc from 'fast-check'
import { EAGAIN, ENOBUFS } from '../../src/libc/constants.js'
import { rarely, type SendCase, sendCaseWith } from './send-case.js'

/** A case of `sendAll`: the steps only fill the batch, and send parts of it. */
export interface SendAllCase {
  readonly send: SendCase
  /**
   * System call, counted from 0, during which the signal is aborted. Another `sendAll` then sends the remaining
   * messages.
   */
  readonly abortAt: number | undefined
  /** Socket that sends the remaining messages after an abort. */
  readonly resumeOn: number
}

/** Cases of `sendAll`. Waits take real time, so answers that cause one occur up to three times only. */
export const sendAllCase: fc.Arbitrary<SendAllCase> = fc.record({
  send: sendCaseWith(6).map((send) => ({ ...send, events: send.events.map(shortWait) })),
  abortAt: fc.option(fc.nat(6), { nil: undefined }),
  resumeOn: rarely(4).map((isRare) => (isRare ? 1 : 0)),
})

function shortWait(event: SendCase['events'][number]): SendCase['events'][number] {
  const isWait = event.answer === EAGAIN || event.answer === ENOBUFS
  return isWait ? { ...event, times: Math.min(event.times, 3) } : event
}
