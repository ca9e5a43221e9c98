import { ErrnoError, type NetworkError } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import type { Stored } from './incoming.js'
import type { ReceiveCase } from './receive-case.js'
import type { ReceiveModel } from './receive-model.js'
import { expect } from './violation.js'

/** A socket of a case of receiving. */
export interface ReceiverFacts {
  readonly fd: number
  readonly recvErrors: boolean
}

/** Checks that `recv` threw an error that the kernel returned, and lost no datagram by doing so. */
export function judgeThrown(error: unknown, model: ReceiveModel, { fd, recvErrors }: ReceiverFacts): void {
  expect(error instanceof ErrnoError, () => `recv threw ${error instanceof Error ? error.stack : error}`)
  expect(model.datagrams.length === 0, () => `recv threw ${error.code} and lost ${model.datagrams.length} datagrams`)
  const owed = model.owed(fd)
  const at = owed.findLastIndex(({ errno }) => errno === -error.errno)
  expect(at >= 0, () => `recv threw ${error.code}, which the kernel did not return`)
  expect(
    at === 0 || (recvErrors && model.entries > 0),
    () => `recv threw ${error.code} and passed over ${owed[0].errno}`,
  )
  owed.splice(0, at + 1)
}

/** Checks that `recv` dropped no error that the kernel returned. */
export function judgeCount(count: number, model: ReceiveModel, { fd, recvErrors }: ReceiverFacts): void {
  expect(count === model.datagrams.length, () => `recv returned ${count}; the kernel stored ${model.datagrams.length}`)
  const owed = model.owed(fd)
  // The error queue accounts for errors before the first datagram. An error after it is thrown by the next `recv`.
  const isExplained = recvErrors && model.entries > 0
  const left = owed.filter(({ isDelayed }) => isDelayed || !isExplained)
  const [first] = left
  const isFine = left.length === 0 || (left.length === 1 && first.isDelayed)
  expect(isFine, () => `recv returned ${count} and dropped errno ${first.errno}`)
  owed.splice(0, owed.length, ...left)
}

/** Checks that one `recv` did not make too many system calls. */
export function judgeCalls(model: ReceiveModel, testCase: ReceiveCase, isSingle: boolean): void {
  const { calls, interruptions, entries, missingCalls, datagrams, errorQueueReads } = model
  // One call; one more per datagram if each requires a call; one more per non-empty read of the error queue.
  const limit = 1 + interruptions + entries + missingCalls + (isSingle ? datagrams.length : 0)
  expect(calls <= limit, () => `${calls} calls in one recv, ${limit} is the most`)
  const answers = testCase.errorQueue.filter((entry) => typeof entry === 'number').length
  const readLimit = 1 + 2 * entries + answers + calls
  expect(errorQueueReads <= readLimit, () => `${errorQueueReads} reads of the error queue, ${readLimit} is the most`)
}

/** Checks the result of `errors` against the entries that the error queue returned. */
export function judgeReports(reports: readonly NetworkError[], kept: readonly Stored[]): void {
  expect(reports.length === kept.length, () => `errors returned ${reports.length} of ${kept.length} reports`)
  for (const [index, { payload, errno, origin }] of reports.entries()) {
    const { bytes, arrival } = kept[index]
    expect(Buffer.compare(payload, bytes) === 0, () => `report ${index} has another payload`)
    const [first] = arrival.control
    if (first?.level !== c.IPPROTO_IP || first.type !== c.IP_RECVERR || first.data.byteLength !== 32) continue
    const data = Buffer.from(first.data)
    expect(-errno === data.readUInt32LE(0), () => `report ${index} has errno ${errno}`)
    expect((origin === 'local') === (data[4] === c.SO_EE_ORIGIN_LOCAL), () => `report ${index} has origin ${origin}`)
  }
}
