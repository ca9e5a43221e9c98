import t from 'tap'
import { fitLine, fitQuality } from '../../../bench/profile/analysis/figures.js'
import { contains, holm, percentileInterval, relativePrecision, twoSidedP } from '../../../bench/stats/interval.js'
import { seededRandom } from '../../../bench/stats/random.js'
import { type Column, Resampling } from '../../../bench/stats/resampling.js'

t.test('a line through points that lie on one', async (t) => {
  const points = [1, 2, 8, 64, 1024].map((n) => ({ n, nanoseconds: 300 + 20 * n }))
  const { a, b } = fitLine(points)
  t.ok(Math.abs(a - 300) < 1e-6 && Math.abs(b - 20) < 1e-6)
  const { rSquared, worstDeviation } = fitQuality(points, { a, b })
  t.ok(Math.abs(rSquared - 1) < 1e-9 && Math.abs(worstDeviation) < 1e-9)
})

t.test('the farthest point is named', async (t) => {
  const points = [1, 2, 4, 8].map((n) => ({ n, nanoseconds: (100 + 10 * n) * (n === 4 ? 1.2 : 1) }))
  t.equal(fitQuality(points, { a: 100, b: 10 }).worstAt, 4)
  t.ok(Math.abs(fitQuality(points, { a: 100, b: 10 }).worstDeviation - 0.2) < 1e-9)
})

t.test('percentiles of replicates', async (t) => {
  const replicates = Array.from({ length: 1001 }, (_, index) => index)
  const { estimate, low, high, standardError } = percentileInterval(500, replicates)
  t.equal(estimate, 500)
  t.ok(Math.abs(low - 25) <= 1 && Math.abs(high - 975) <= 1)
  t.ok(Math.abs(standardError - 289.1) < 0.1)
})

t.test('precision is half the width', async (t) => {
  const interval = { estimate: 100, low: 96, high: 104, standardError: 2 }
  t.equal(relativePrecision(interval), 0.04)
  t.ok(contains(interval, 96) && contains(interval, 104) && !contains(interval, 95.9))
})

t.test('Holm corrects as in his example', async (t) => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(6)))
  t.strictSame(adjusted, [0.03, 0.06, 0.06, 0.02])
  t.strictSame(holm([]), [])
  t.strictSame(holm([0.9, 0.8]), [1, 1])
})

t.test('p of a difference', async (t) => {
  t.ok(Math.abs(twoSidedP(1.96, 1) - 0.05) < 1e-3)
  t.equal(twoSidedP(0, 0), 1)
  t.equal(twoSidedP(1, 0), 0)
})

t.test('the bootstrap covers the truth about as often as it says', async (t) => {
  const random = seededRandom(11)
  let covered = 0
  const trials = 200
  for (let trial = 0; trial < trials; trial += 1) {
    const column = Array.from({ length: 40 }, () => 100 + normal(random))
    const resampling = new Resampling(new Map([['x', [column]]]), 40, random, 300)
    if (
      contains(
        resampling.interval((of) => of('x')),
        100,
      )
    )
      covered += 1
  }
  t.ok(covered >= 0.9 * trials && covered <= 0.995 * trials, `${covered} of ${trials}`)
})

t.test('what slows a whole round drops out of a difference', async (t) => {
  const random = seededRandom(4)
  const slow = Array.from({ length: 60 }, () => 50 * random())
  const columns = new Map([
    ['one', [slow.map((more) => 100 + more + 0.1 * normal(random))]],
    ['other', [slow.map((more) => 90 + more + 0.1 * normal(random))]],
  ])
  const resampling = new Resampling(columns, 60, random)
  const one = resampling.interval((of) => of('one'))
  const difference = resampling.interval((of) => of('one') - of('other'))
  t.ok(contains(difference, 10))
  t.ok(difference.high - difference.low < (one.high - one.low) / 10)
})

t.test('rounds without a value, things without any', async (t) => {
  const columns = new Map<string, Column[]>([
    ['seldom', [[1, undefined, undefined, 3]]],
    ['never', [[undefined, undefined]]],
  ])
  const resampling = new Resampling(columns, 4, seededRandom(1))
  t.equal(resampling.value('seldom'), 2)
  t.equal(resampling.has('never'), false)
  t.throws(() => resampling.value('never'), /nothing was measured of never/)
  t.throws(() => resampling.value('unknown'), /nothing was measured of unknown/)
})

t.test('several processes are one thing, and how they differ shows', async (t) => {
  const constant = (value: number) => new Array<number>(10).fill(value)
  const columns = new Map([['p', [constant(100), constant(110), []]]])
  const resampling = new Resampling(columns, 10, seededRandom(1))
  const { estimate, low, high } = resampling.interval((of) => of('p'))
  t.strictSame([estimate, low, high], [105, 100, 110])
})

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
