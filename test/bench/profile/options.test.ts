import t from 'tap'
import { UsageError } from '../../../bench/failure.js'
import { parseProfileOptions } from '../../../bench/profile/options.js'

t.test('defaults', async (t) => {
  t.hasStrict(parseProfileOptions([]), {
    batch: 64,
    sizeBytes: 1400,
    isQuick: false,
    budgetSeconds: 150,
    precision: 0.02,
    place: 'auto',
    isRealTime: true,
    json: false,
    compare: undefined,
  })
  t.hasStrict(parseProfileOptions(['--quick']), { isQuick: true, budgetSeconds: 30, precision: 0.05 })
})

t.test('what is given', async (t) => {
  const words = ['--batch', '32', '-l', '700', '--precision', '1.5%', '--budget', '60s', '--pin', '1', '--seed', '7']
  t.hasStrict(parseProfileOptions([...words, '--no-real-time', '-J', '--html', 'r.html']), {
    batch: 32,
    sizeBytes: 700,
    precision: 0.015,
    budgetSeconds: 60,
    processor: 1,
    seed: 7,
    isRealTime: false,
    json: true,
    html: 'r.html',
  })
  t.strictSame(parseProfileOptions(['--compare', 'a.json', 'b.json']).compare, { before: 'a.json', after: 'b.json' })
})

t.test('what is refused', async (t) => {
  const refused: [words: string[], message: RegExp][] = [
    [['--batches'], /did you mean --batch\?/],
    [['--batch', '1'], /from 2 to 1024/],
    [['--size', '1473'], /from 4 to 1472/],
    [['--precision', '0'], /percentage/],
    [['--place', 'moon'], /sink or loopback or auto|auto or sink or loopback/],
    [['--compare', 'a.json'], /needs two files/],
    [['--compare', 'a.json', '--json'], /needs two files/],
    [['left over'], /unexpected argument/],
  ]
  for (const [words, message] of refused) {
    t.throws(() => parseProfileOptions(words), { constructor: UsageError, message }, words.join(' '))
  }
})
