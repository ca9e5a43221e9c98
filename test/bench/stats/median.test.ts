import t from 'tap'
import { medianEstimate, ratioEstimate } from '../../../bench/stats/interval.js'
import { seededRandom } from '../../../bench/stats/random.js'

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

t.test('the interval of a median, as tables of order statistics have it', async (t) => {
  t.strictSame(medianEstimate([7]), { median: 7, low: 7, high: 7, confidence: 0 })
  t.strictSame(medianEstimate([3, 1]), { median: 2, low: 1, high: 3, confidence: 0.5 })
  t.strictSame(medianEstimate([5, 1, 4, 2, 3]), { median: 3, low: 1, high: 5, confidence: 0.9375 })
  t.strictSame(medianEstimate(upTo(8)), { median: 4.5, low: 1, high: 8, confidence: 0.95 })
  t.strictSame(medianEstimate(upTo(9)), { median: 5, low: 2, high: 8, confidence: 0.95 })
  t.strictSame(medianEstimate(upTo(15)), { median: 8, low: 4, high: 12, confidence: 0.95 })
  t.strictSame(medianEstimate(upTo(20)), { median: 10.5, low: 6, high: 15, confidence: 0.95 })
})

t.test('it covers the true median as often as it says', async (t) => {
  const random = seededRandom(1)
  let covered = 0
  for (let trial = 0; trial < 2000; trial += 1) {
    const { low, high } = medianEstimate(Array.from({ length: 11 }, random))
    if (low <= 0.5 && high >= 0.5) covered += 1
  }
  t.ok(covered > 1900 && covered < 1990, `${covered} of 2000`)
})

t.test('the bootstrap interval holds the median, within the ratios', async (t) => {
  const ratios = upTo(20).map((round) => 0.99 + round / 100)
  const ratio = ratioEstimate(ratios, seededRandom(2))
  t.equal(ratio.median.toFixed(6), '1.095000')
  t.ok(ratio.low < ratio.median && ratio.median < ratio.high)
  t.ok(ratio.low > 1 && ratio.high < 1.19)
  t.strictSame(ratioEstimate(ratios, seededRandom(2)), ratio, 'the same again for the same seed')
})

t.test('a ratio of few rounds has their range, and says so', async (t) => {
  t.strictSame(ratioEstimate([2, 3], seededRandom(1)), { median: 2.5, low: 2, high: 3, confidence: 0.5 })
})
