import t from 'tap'
import type { Ladder } from '../../../bench/profile/analysis/ladder.js'
import { contains } from '../../../bench/profile/statistics/interval.js'
import { TRUTH } from './support/fake-machine.js'
import { fakeRun } from './support/fake-run.js'

t.test('the rungs of a machine that is known come out as they are, and add up', async (t) => {
  const { figures } = await fakeRun(3, 40)
  t.equal(figures.ladders.length, 6)
  const expected = (one: Ladder, batch: number): Record<string, number> => ({
    loop: TRUTH.loop,
    marshalling: TRUTH.marshalling,
    bookkeeping: TRUTH.bookkeeping / batch,
    crossing: TRUTH.crossing / batch,
    entry: TRUTH.entry / batch,
    import: TRUTH.import,
    route: TRUTH.route,
    device: TRUTH.device,
    dequeue: TRUTH.dequeue,
    payload: TRUTH.payload,
    copy: TRUTH.copyPerByte * 1400,
    total: one.sum.estimate,
  })
  for (const ladder of figures.ladders) {
    const truth = expected(ladder, ladder.batch)
    const name = `${ladder.mode} ${ladder.connected ? 'connected' : 'unconnected'}`
    for (const { name: rung, nanoseconds } of ladder.rungs) {
      // Three times the interval: with so many rungs, some lie outside their own by chance.
      const reach = 1.5 * (nanoseconds.high - nanoseconds.low) + 0.05
      t.ok(
        Math.abs(nanoseconds.estimate - truth[rung]) <= reach,
        `${name}: ${rung} ${nanoseconds.estimate} ~ ${truth[rung]}`,
      )
    }
    t.ok(Math.abs(ladder.sum.estimate / ladder.whole.estimate - 1) < 0.03, `${name} adds up`)
    t.equal(
      ladder.rungs.some(({ name: rung }) => rung === 'route'),
      ladder.mode.startsWith('send') && !ladder.connected,
    )
  }
})

t.test('a part that is not there is shown as such', async (t) => {
  const { figures } = await fakeRun(5, 20)
  for (const { rungs } of figures.ladders) {
    for (const { nanoseconds, includesZero } of rungs) t.equal(includesZero, contains(nanoseconds, 0))
  }
})
