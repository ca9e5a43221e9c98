import t from 'tap'
import { type MeasurePlan, measureRounds, representative } from '../../../bench/engine/rounds.js'
import type { ProfileCase, Work } from '../../../bench/profile/cases/cases.js'
import { seededRandom } from '../../../bench/stats/random.js'
import { FakeMachine } from '../profile/support/fake-machine.js'

const loop = (batch: number, every = 1): ProfileCase => ({
  id: `loop/${batch}`,
  worker: `loop/${batch}`,
  every,
  work: { kind: 'loop', batch },
})
const CASES = [loop(1), loop(64), loop(1024, 3)]
const MOST_ROUNDS = 12

type End = MeasurePlan<Work>['endOf']

const plan = (endOf: End, signal: AbortSignal): MeasurePlan<Work> => ({
  sampleNanoseconds: 1e6,
  fewestRounds: 4,
  random: seededRandom(9),
  signal,
  endOf: (series, rounds) => endOf(series, rounds) ?? (rounds < MOST_ROUNDS ? undefined : 'budget'),
  say: () => {},
})

function measure(
  machine: FakeMachine,
  overrides: Partial<MeasurePlan<Work>> = {},
  endOf: End = () => undefined,
  signal = new AbortController().signal,
) {
  return measureRounds(CASES, machine, { ...plan(endOf, signal), ...overrides })
}

t.test('every case in every round in which it is due', async (t) => {
  const { series, rounds, endedBy } = await measure(new FakeMachine(1), {})
  t.equal(rounds, 12)
  t.equal(endedBy, 'budget')
  const roundsOf = series.map(({ samples }) => new Set(samples.map(({ round }) => round)).size)
  t.strictSame(roundsOf, [12, 12, 4])
})

t.test('samples are about as long as requested', async (t) => {
  const { series } = await measure(new FakeMachine(1), {})
  for (const { samples } of series) {
    const last = samples[samples.length - 1]
    const sampleNanoseconds = last.runningNanoseconds * last.operations
    t.ok(sampleNanoseconds > 0.5e6 && sampleNanoseconds < 2e6, `${sampleNanoseconds}`)
  }
})

t.test('ends when it is enough, not before the fewest rounds', async (t) => {
  const { rounds, endedBy } = await measure(new FakeMachine(1), {}, () => 'precision')
  t.equal(rounds, 4)
  t.equal(endedBy, 'precision')
})

t.test('the end is that of the plan, after any round from the fewest on', async (t) => {
  const asked: number[] = []
  const { rounds, endedBy } = await measure(new FakeMachine(1), {}, (series, rounds) => {
    asked.push(rounds)
    t.ok(series.every(({ samples }) => samples.length > 0))
    return rounds === 6 ? 'budget' : undefined
  })
  t.strictSame([rounds, endedBy, asked], [6, 'budget', [4, 5, 6]])
})

t.test('an interrupted sample is kept and repeated', async (t) => {
  const { series } = await measure(new FakeMachine(2), { fewestRounds: 60 })
  const samples = series.flatMap((one) => one.samples)
  const interrupted = samples.filter((sample) => sample.interrupted)
  t.ok(interrupted.length > 0)
  t.ok(samples.length > 60 + 60 + 20)
})

t.test('a case that fails is reported, and the others are measured', async (t) => {
  const machine = new FakeMachine(1, { unable: (one) => (one.id === 'loop/64' ? 'no such thing' : undefined) })
  const { series, unmeasured } = await measure(machine, {})
  t.strictSame(unmeasured, [{ id: 'loop/64', reason: 'no such thing' }])
  t.equal(series.length, 2)
})

t.test('the same seed, the same run', async (t) => {
  const [one, other] = await Promise.all([measure(new FakeMachine(5), {}), measure(new FakeMachine(5), {})])
  t.strictSame(one.series, other.series)
})

t.test('a case that fails in the middle is left out from then on', async (t) => {
  let samples = 0
  const machine = new FakeMachine(1, {
    unable: (one) => {
      if (one.id === 'loop/1') samples += 1
      return samples > 12 ? 'its process ended' : undefined
    },
  })
  const { series, rounds, unmeasured } = await measureRounds(
    [loop(1)],
    machine,
    plan(() => undefined, new AbortController().signal),
  )
  t.equal(rounds, 12)
  t.strictSame(unmeasured, [{ id: 'loop/1', reason: 'its process ended' }])
  t.ok(series[0].samples.length > 0)
})

t.test('a signal before the first complete round ends it', async (t) => {
  await t.rejects(measure(new FakeMachine(1), {}, undefined, AbortSignal.abort(new Error('stop'))), { message: 'stop' })
})

t.test('a signal later gives the complete rounds', async (t) => {
  const controller = new AbortController()
  const endOf = () => void controller.abort(new Error('stop'))
  const { series, rounds, endedBy } = await measure(new FakeMachine(1), {}, endOf, controller.signal)
  t.equal(rounds, 4)
  t.equal(endedBy, 'interruption')
  t.ok(series.every(({ samples }) => samples.every(({ round }) => round < 4)))
})

t.test('the sample that counts for a round', async (t) => {
  const clean = {
    round: 0,
    operations: 10,
    nanoseconds: 100,
    wallNanoseconds: 100,
    runningNanoseconds: 90,
    interrupted: false,
    collections: 0,
    collectionNanoseconds: 0,
    shortMessages: 0,
    userMicroseconds: 1,
    systemMicroseconds: 1,
  }
  const interrupted = { ...clean, interrupted: true, nanoseconds: 90 }
  const short = { ...clean, shortMessages: 3 }
  t.equal(representative([interrupted, clean]), clean)
  t.equal(representative([short, interrupted]), interrupted)
  t.equal(representative([short]), undefined)
  t.equal(representative([]), undefined)
})
