import fc from 'fast-check'
import t from 'tap'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import * as c from '../../src/libc/constants.js'
import { isSupportedMachine } from './abi.js'
import { installKernel, memory } from './kernel.js'
import { expect, Violation } from './violation.js'
import { type ZeroCopyAnswer, ZeroCopyKernel } from './zero-copy-kernel.js'

type Step =
  | { readonly do: 'append'; readonly batch: number; readonly way: 'copy' | 'reference' | 'short' }
  | { readonly do: 'send'; readonly batch: number; readonly socket: number }
  | {
      readonly do: 'complete'
      readonly socket: number
      readonly index: number
      readonly count: number
      copied: boolean
    }
  | { readonly do: 'answer'; readonly socket: number; readonly answer: ZeroCopyAnswer }
  | { readonly do: 'read' | 'error'; readonly socket: number }
  | { readonly do: 'rewind' | 'clear'; readonly batch: number }

const PEER = endpoint({ address: '127.0.0.1', port: 9 })

const batch = fc.nat(1)
const socket = fc.nat(1)
const answer = fc.record({
  errno: fc.constantFrom(0, c.ENOBUFS, c.EAGAIN, c.EPERM, c.EINVAL, c.ECONNREFUSED),
  isLate: fc.boolean(),
})
// EAGAIN comes before an id is allocated (sock_alloc_send_pskb).
const possible = answer.filter(({ errno, isLate }) => errno !== 0 && (errno !== c.EAGAIN || !isLate))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      batch,
      way: fc.constantFrom('copy', 'reference', 'short'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), batch, socket }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('complete' as const),
      socket,
      index: fc.nat(5),
      count: fc.integer({ min: 1, max: 4 }),
      copied: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('answer' as const), socket, answer: possible }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('read' as const, 'error' as const), socket }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('rewind' as const, 'clear' as const), batch }) },
)

const skip = isSupportedMachine ? false : 'the scripted kernel reads structures of 64-bit machines'

t.test('memory stays unchanged until its sends are completed, and no network error is lost', { skip }, async (t) => {
  const reached = { cleared: 0, refused: 0, copied: 0, errors: 0 }
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => run(steps, reached))
  const { failed, errorInstance, counterexample } = fc.check(property, {
    numRuns: 3_000,
    interruptAfterTimeLimit: 20_000,
  })
  t.notOk(failed, failed ? `${errorInstance}\n${fc.stringify(counterexample)}` : 'no violation')
  for (const [name, count] of Object.entries(reached)) t.ok(count > 0, `${name}: ${count}`)
})

function run(steps: readonly Step[], reached: Record<'cleared' | 'refused' | 'copied' | 'errors', number>): void {
  const kernels = new Map<number, ZeroCopyKernel>()
  const of = (fd: number) => kernels.get(fd) ?? new Violation(`a call on descriptor ${fd}`)
  const kernelOf = (fd: number) => {
    const kernel = of(fd)
    if (kernel instanceof Violation) throw kernel
    return kernel
  }
  const installed = installKernel({
    sendmsg: (fd, header, flags) => kernelOf(fd).sendmsg(header, flags),
    sendmmsg: (fd, headers, count, flags) => kernelOf(fd).sendmmsg(headers, count, flags),
    recvmsg: (fd, header, flags) => kernelOf(fd).recvmmsg(header, 1, flags),
    recvmmsg: (fd, headers, count, flags) => kernelOf(fd).recvmmsg(headers, count, flags),
  })
  const conns = [0, 1].map((index) => {
    const conn = BatchConn.open({ zeroCopy: { minBytes: 4 }, recvErrors: true })
    const facts = { family: 'ipv4', isConnected: false, gso: true, recvErrors: true } as const
    kernels.set(conn.fd, new ZeroCopyKernel(memory, { ...facts, fd: conn.fd, index }))
    return { conn, kernel: kernelOf(conn.fd), errors: 0 }
  })
  const batches = [0, 1].map(() => new SendBatch({ capacity: 6, slotBytes: 16 }))
  let value = 0
  try {
    for (const step of steps) {
      if ('batch' in step && 'socket' in step) send(conns[step.socket].conn, batches[step.batch])
      else if ('batch' in step) changeBatch(batches[step.batch], step)
      else useSocket(conns[step.socket], step)
    }
    for (const each of conns) finish(each)
    for (const each of batches) {
      expect(each.inFlight === 0, () => `${each.inFlight} sends stay in flight after all completions`)
      each.clear()
    }
  } finally {
    installed.restore()
    for (const { conn } of conns) conn.close()
  }

  function changeBatch(out: SendBatch, step: Step): void {
    value += 1
    if (step.do === 'rewind') out.rewind()
    else if (step.do === 'clear') clear(out)
    else if (step.do === 'append' && out.length < out.capacity) {
      const payload = Buffer.alloc(step.way === 'short' ? 3 : 9, value)
      if (step.way === 'reference') out.appendReference(payload, PEER, { segmentBytes: 2 })
      else out.append(payload, PEER, { segmentBytes: 2 })
    }
  }

  function clear(out: SendBatch): void {
    try {
      out.clear()
      reached.cleared += 1
    } catch (error) {
      expect(out.inFlight > 0, () => `clear failed with nothing in flight: ${error}`)
      reached.refused += 1
    }
  }

  function useSocket(each: (typeof conns)[number], step: Step): void {
    if (step.do === 'complete') each.kernel.complete(step.index, step.count, step.copied)
    else if (step.do === 'answer') each.kernel.answers.push(step.answer)
    else if (step.do === 'error') each.kernel.fail()
    else each.errors += each.conn.takeErrors().length
  }

  function finish(each: (typeof conns)[number]): void {
    while (each.kernel.inFlight > 0) each.kernel.complete(0, 9, false)
    each.errors += each.conn.takeErrors().length
    const { errors } = each.kernel
    expect(each.errors === errors, () => `${errors} network errors were queued, and ${each.errors} returned`)
    const { inFlight, copied } = each.conn.zeroCopy
    expect(inFlight === 0, () => `${inFlight} sends are in flight after all completions`)
    reached.copied += copied
    reached.errors += errors
  }
}

function send(conn: BatchConn, out: SendBatch): void {
  for (let calls = 0; out.remaining > 0; calls += 1) {
    expect(calls < 60, () => 'sending does not end')
    if (conn.send(out) === 0 && calls > 40) return
  }
}
