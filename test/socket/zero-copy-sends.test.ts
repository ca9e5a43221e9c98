import fc from 'fast-check'
import t from 'tap'
import type { Messages } from '../../src/batch/messages.js'
import { messagesOf } from '../../src/batch/send-batch.js'
import { SendBatch } from '../../src/index.js'
import { ZeroCopySends } from '../../src/socket/zero-copy-sends.js'

function messages(): Messages {
  const found = messagesOf(new SendBatch({ capacity: 1 }))
  if (found === undefined) throw new Error('a SendBatch must have messages')
  return found
}

t.test(
  'each order of completions, merged or not, ends each batch exactly when its last send is completed',
  async (t) => {
    const calls = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 12 })
    // Ids around 2^32, where they wrap, and around 2^31.
    const firstId = fc.constantFrom(0, 2 ** 31 - 4, 2 ** 32 - 1, 2 ** 32 - 7)
    const property = fc.property(calls, firstId, fc.infiniteStream(fc.nat(1000)), (calls, firstId, picks) => {
      const sends = new ZeroCopySends(firstId)
      const batches = [messages(), messages(), messages()]
      const owners = calls.flatMap(([batch, count]) => {
        sends.settle(sends.begin(batches[batch], count), count)
        return new Array<number>(count).fill(batch)
      })
      const open = new Set(owners.keys())
      const pick = (below: number) => Number(picks.next().value) % below
      while (open.size > 0) {
        const first = [...open][pick(open.size)]
        let last = first
        while (open.has(last + 1) && pick(3) > 0) last += 1
        for (let id = first; id <= last; id += 1) open.delete(id)
        sends.complete((firstId + first) >>> 0, (firstId + last) >>> 0, false)
        for (const [index, batch] of batches.entries()) {
          const left = [...open].filter((id) => owners[id] === index).length
          if (batch.inFlight !== left || sends.has(batch) !== left > 0) return false
        }
        if (sends.inFlight !== open.size || sends.lossReason !== undefined) return false
      }
      return sends.completed === owners.length
    })
    const { failed, counterexample } = fc.check(property, { numRuns: 500 })
    t.notOk(failed, failed ? fc.stringify(counterexample) : '')
  },
)

t.test('a failed send that used an id does not shift the ids that follow', async (t) => {
  const sends = new ZeroCopySends()
  const [one, two] = [messages(), messages()]
  sends.settle(sends.begin(one, 2), 2)
  sends.hasFailed = true
  sends.complete(2, 2, false)
  sends.hasFailed = false
  sends.settle(sends.begin(two, 1), 1)
  sends.complete(0, 2, false)
  t.strictSame([one.inFlight, two.inFlight], [0, 1])
  sends.complete(3, 3, false)
  t.strictSame([two.inFlight, sends.completed, sends.lossReason], [0, 3, undefined])
})

t.test('a completion of ids that were never sent: nothing is released, and waits fail', async (t) => {
  const sends = new ZeroCopySends()
  const batch = messages()
  sends.settle(sends.begin(batch, 1), 1)
  const waiting = sends.released(batch, undefined)
  sends.complete(0, 1, false)
  await t.rejects(waiting, { code: 'ERR_RELEASE_UNKNOWN', message: /0 to 1/ })
  sends.complete(0, 0, false)
  t.equal(batch.inFlight, 1)
  t.throws(() => batch.clear(), { code: 'ERR_BATCH_IN_FLIGHT' })
  await t.rejects(sends.released(batch, undefined), { code: 'ERR_RELEASE_UNKNOWN' })
})

t.test('copied sends are counted, and in a row until one was not copied', async (t) => {
  const sends = new ZeroCopySends()
  sends.settle(sends.begin(messages(), 10), 10)
  sends.complete(0, 3, true)
  t.strictSame([sends.copied, sends.copiedInRow], [4, 4])
  sends.complete(4, 4, false)
  sends.complete(5, 6, true)
  t.strictSame([sends.completed, sends.copied, sends.copiedInRow], [7, 6, 2])
})

t.test('a wait can be aborted, and begins and ends the interest in error events', async (t) => {
  const sends = new ZeroCopySends()
  const batch = messages()
  const awaited: boolean[] = []
  sends.onAwaited = (isAwaited) => awaited.push(isAwaited)
  await sends.released(batch, undefined)
  t.strictSame(awaited, [], 'nothing in flight: no wait')
  sends.settle(sends.begin(batch, 1), 1)
  const controller = new AbortController()
  const aborted = sends.released(batch, controller.signal)
  const released = sends.released(batch, undefined)
  controller.abort(new Error('enough'))
  await t.rejects(aborted, { message: 'enough' })
  sends.complete(0, 0, false)
  await released
  t.strictSame(awaited, [true, false])
})
