import t from 'tap'
import type { Case } from '../../../bench/profile/plan/case.js'
import { type Effort, measureRounds } from '../../../bench/profile/schedule/rounds.js'
import { representative, toSample } from '../../../bench/profile/schedule/sample.js'
import { seededRandom } from '../../../bench/workload/random.js'
import { FakeMachine } from './support/fake-machine.js'

const loop = (batch: number, every = 1): Case => ({
  id: `loop/${batch}`,
  worker: `loop/${batch}`,
  place: 'main',
  every,
  work: { kind: 'loop', batch, repeat: 1 },
})
const CASES = [loop(1), loop(64), loop(1024, 3)]
const EFFORT: Effort = { blockNanoseconds: 1e6, deadlineMs: 1e12, fewestRounds: 4, mostRounds: 12 }

function measure(machine: FakeMachine, effort: Partial<Effort>, isEnough = () => false, signal?: AbortSignal) {
  return measureRounds(
    CASES,
    machine,
    { ...EFFORT, ...effort },
    {
      random: seededRandom(9),
      clock: () => machine.nowMs,
      signal: signal ?? new AbortController().signal,
      watcher: { isEnough, say: () => {} },
    },
  )
}

t.test('every case in every round that is its turn', async (t) => {
  const { series, rounds, endedBy } = await measure(new FakeMachine(1), {})
  t.equal(rounds, 12)
  t.equal(endedBy, 'rounds')
  const roundsOf = series.map(({ samples }) => new Set(samples.map(({ round }) => round)).size)
  t.strictSame(roundsOf, [12, 12, 4])
})

t.test('blocks are about as long as asked', async (t) => {
  const { series } = await measure(new FakeMachine(1), {})
  for (const { samples } of series) {
    const last = samples[samples.length - 1]
    const blockNanoseconds = last.runningNanoseconds * last.operations
    t.ok(blockNanoseconds > 0.5e6 && blockNanoseconds < 2e6, `${blockNanoseconds}`)
  }
})

t.test('ends when it is enough, not before the fewest rounds', async (t) => {
  const { rounds, endedBy } = await measure(new FakeMachine(1), {}, () => true)
  t.equal(rounds, 4)
  t.equal(endedBy, 'precision')
})

t.test('ends when the time is up', async (t) => {
  const { rounds, endedBy } = await measure(new FakeMachine(1), { deadlineMs: 0 })
  t.equal(rounds, 4)
  t.equal(endedBy, 'budget')
})

t.test('an interrupted block is kept and done again', async (t) => {
  const { series } = await measure(new FakeMachine(2), { mostRounds: 60, fewestRounds: 60 })
  const samples = series.flatMap((one) => one.samples)
  const interrupted = samples.filter((sample) => sample.interrupted)
  t.ok(interrupted.length > 0)
  t.ok(samples.length > 60 + 60 + 20)
})

t.test('what cannot be done is said, and the rest goes on', async (t) => {
  const machine = new FakeMachine(1, { unable: (one) => (one.id === 'loop/64' ? 'no such thing' : undefined) })
  const { series, unable } = await measure(machine, {})
  t.strictSame(unable, [{ id: 'loop/64', reason: 'no such thing' }])
  t.equal(series.length, 2)
})

t.test('the same seed, the same run', async (t) => {
  const [one, other] = await Promise.all([measure(new FakeMachine(5), {}), measure(new FakeMachine(5), {})])
  t.strictSame(one.series, other.series)
})

t.test('a signal ends it', async (t) => {
  await t.rejects(measure(new FakeMachine(1), {}, undefined, AbortSignal.abort(new Error('stop'))), { message: 'stop' })
})

t.test('which block stands for a round', async (t) => {
  const block = {
    operations: 10,
    nanoseconds: 1000,
    runningNanoseconds: 900,
    userMicroseconds: 1,
    systemMicroseconds: 1,
    interruptions: 0,
    collections: 0,
    collectionNanoseconds: 0,
    shortMessages: 0,
  }
  const clean = toSample(0, block)
  const interrupted = toSample(0, { ...block, interruptions: 1 })
  const short = toSample(0, { ...block, shortMessages: 3 })
  t.equal(clean.nanoseconds, 100)
  t.equal(interrupted.nanoseconds, 90, 'only as long as the thread was running')
  t.equal(representative([interrupted, clean]), clean)
  t.equal(representative([short, interrupted]), interrupted)
  t.equal(representative([short]), undefined)
  t.equal(representative([]), undefined)
})
