import t from 'tap'
import { Histogram } from '../../../bench/stats/histogram.js'
import { seededRandom } from '../../../bench/stats/random.js'

t.test('quantiles are those of the sorted values, to 0.1 %', async (t) => {
  const random = seededRandom(7)
  const histogram = new Histogram()
  // From a microsecond to a minute, in nanoseconds.
  const values = Array.from({ length: 20_000 }, () => Math.round(10 ** (3 + 7.8 * random())))
  for (const value of values) histogram.record(value)
  values.sort((one, other) => one - other)
  for (const share of [0.001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1]) {
    const exact = values[Math.ceil(values.length * share - 1e-6) - 1]
    const quantile = histogram.quantile(share) ?? 0
    t.ok(quantile <= exact && quantile > exact * 0.999, `${share}: ${quantile}, exactly ${exact}`)
  }
  t.equal(histogram.total, 20_000)
})

t.test('values below 2048 are exact; below 1 they are 1', async (t) => {
  for (const value of [1, 2, 3, 1023, 1024, 1025, 2047]) {
    const histogram = new Histogram()
    histogram.record(value)
    t.equal(histogram.quantile(1), value)
  }
  const histogram = new Histogram()
  histogram.record(-3)
  histogram.record(0.5)
  t.strictSame(histogram.buckets(), [[1, 2]])
})

t.test('a share that no value exceeds cannot be determined', async (t) => {
  const histogram = new Histogram()
  t.equal(histogram.quantile(1), null)
  histogram.record(5, 999)
  t.equal(histogram.quantile(0.999), null)
  t.equal(histogram.quantile(1), 5)
  histogram.record(9)
  t.equal(histogram.quantile(0.999), 5, 'one of a thousand is above it')
  t.equal(histogram.quantile(1), 9)
  t.equal(histogram.quantile(0.9999), null)
})

t.test('histograms are added by their buckets', async (t) => {
  const random = seededRandom(9)
  const [one, other, both, sum] = Array.from({ length: 4 }, () => new Histogram())
  for (let count = 0; count < 5000; count += 1) {
    const value = random() * 1e9
    const part = count % 3 === 0 ? one : other
    part.record(value)
    both.record(value)
  }
  for (const [limit, count] of [...one.buckets(), ...other.buckets()]) sum.record(limit, count)
  t.strictSame(sum.buckets(), both.buckets())
  t.strictSame(
    sum.buckets().map(([limit]) => limit),
    sum
      .buckets()
      .map(([limit]) => limit)
      .sort((a, b) => a - b),
  )
})
