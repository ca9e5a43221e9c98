import t from 'tap'
import { clockCosts, type Meters, type Operation, takeSample } from '../../../bench/engine/sample.js'

/** A clock of which each reading costs 50 ns, and operations that take 1000 ns. */
function fakes(overrides: Partial<Operation> = {}, switches = () => 0) {
  const journal: string[] = []
  let now = 0n
  const meters: Meters = {
    now: () => {
      now += 50n
      return now
    },
    running: () => now / 2n,
    usage: () => ({
      userCPUTime: Number(now / 1000n),
      systemCPUTime: 0,
      involuntaryContextSwitches: switches(),
    }),
    collections: async () => ({ collections: 0, collectionNanoseconds: 0 }),
  }
  const operation: Operation = {
    ready: (count) => {
      journal.push(`ready ${count}`)
    },
    run: (count) => {
      journal.push(`run ${count}`)
      now += BigInt(count) * 1000n
      return 0
    },
    ...overrides,
  }
  return { journal, meters, operation }
}

const FREE = { wallNanoseconds: 0, runningNanoseconds: 0 }

t.test('a sample is warmed up, prepared, and measured in one piece', async (t) => {
  const { journal, meters, operation } = fakes()
  const costs = clockCosts(meters)
  t.equal(costs.wallNanoseconds, 50)
  const sample = await takeSample(operation, 100, 20, meters, costs)
  t.strictSame(journal, ['ready 20', 'run 20', 'ready 100', 'run 100'])
  t.match(sample, { operations: 100, nanoseconds: 1000, wallNanoseconds: 1000, interrupted: false })
})

t.test('no more at once than possible', async (t) => {
  const { journal, meters, operation } = fakes({ mostAtOnce: 8 })
  const { operations } = await takeSample(operation, 100, 20, meters, FREE)
  t.equal(operations, 8)
  t.strictSame(journal, ['ready 8', 'run 8', 'ready 8', 'run 8'])
})

t.test('an interrupted sample counts by the running time of its thread', async (t) => {
  let readings = 0
  const { meters, operation } = fakes({}, () => {
    readings += 1
    return readings
  })
  const sample = await takeSample(operation, 10, 0, meters, { wallNanoseconds: 50, runningNanoseconds: 50 })
  t.match(sample, { interrupted: true, wallNanoseconds: 1000, nanoseconds: 500, runningNanoseconds: 500 })
})

t.test('never less than nothing', async (t) => {
  const { meters, operation } = fakes()
  const sample = await takeSample(operation, 1, 0, meters, { wallNanoseconds: 5000, runningNanoseconds: 5000 })
  t.equal(sample.nanoseconds, 0)
})
