import t from 'tap'
import { type Meters, measureBlock } from '../../../bench/profile/process/block.js'
import { clockCosts } from '../../../bench/profile/process/meters.js'
import type { Operation } from '../../../bench/profile/work/work.js'

/** A clock that each reading costs 50 ns, and a kernel that each operation takes 1000. */
function fakes(mostAtOnce = Number.POSITIVE_INFINITY) {
  const journal: string[] = []
  let now = 0n
  const meters: Meters = {
    now: () => {
      now += 50n
      return now
    },
    running: () => now,
    usage: () => ({ userCPUTime: Number(now / 1000n), systemCPUTime: 0, involuntaryContextSwitches: 0 }),
    collections: async () => ({ count: 0, nanoseconds: 0 }),
  }
  const operation: Operation = {
    mostAtOnce,
    ready: (count) => {
      journal.push(`ready ${count}`)
    },
    run: (count) => {
      journal.push(`run ${count}`)
      now += BigInt(count) * 1000n
      return 0
    },
    close: () => {},
  }
  return { journal, meters, operation }
}

t.test('a block is warmed up, made ready, and timed in one piece', async (t) => {
  const { journal, meters, operation } = fakes()
  const costs = clockCosts(meters)
  t.equal(costs.wallNanoseconds, 50)
  const block = await measureBlock(operation, 100, 20, meters, costs)
  t.strictSame(journal, ['ready 20', 'run 20', 'ready 100', 'run 100'])
  t.equal(block.nanoseconds, 100_000, "the clock's own cost is taken off")
  t.equal(block.runningNanoseconds, 100_000)
  t.equal(block.operations, 100)
})

t.test('no more at once than can be', async (t) => {
  const { journal, meters, operation } = fakes(8)
  const { operations } = await measureBlock(operation, 100, 20, meters, { wallNanoseconds: 0, runningNanoseconds: 0 })
  t.equal(operations, 8)
  t.strictSame(journal, ['ready 8', 'run 8', 'ready 8', 'run 8'])
})

t.test('never less than nothing', async (t) => {
  const { meters, operation } = fakes()
  const block = await measureBlock(operation, 0, 0, meters, { wallNanoseconds: 500, runningNanoseconds: 500 })
  t.equal(block.nanoseconds, 0)
})
