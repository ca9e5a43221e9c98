import t from 'tap'
import { UsageError } from '../../../bench/cli/run-command.js'
import { parseProfileOptions } from '../../../bench/options/local-options.js'

t.test('defaults', async (t) => {
  t.hasStrict(parseProfileOptions([]), {
    batch: 64,
    sizeBytes: 1400,
    isQuick: false,
    budgetSeconds: 150,
    precision: 0.02,
    target: 'auto',
    isRealTime: true,
    json: false,
  })
  t.hasStrict(parseProfileOptions(['--quick']), { isQuick: true, budgetSeconds: 30, precision: 0.05 })
})

t.test('what is given', async (t) => {
  const words = ['--batch', '32', '-l', '700', '--precision', '1.5%', '--budget', '60s', '--cpu', '0', '--seed', '7']
  t.hasStrict(parseProfileOptions([...words, '--no-real-time', '-J', '--html', 'r.html']), {
    batch: 32,
    sizeBytes: 700,
    precision: 0.015,
    budgetSeconds: 60,
    cpu: 0,
    seed: 7,
    isRealTime: false,
    json: true,
    html: 'r.html',
  })
  t.strictSame(parseProfileOptions(['--diff', 'a.json', 'b.json']), {
    diff: { before: 'a.json', after: 'b.json', json: false },
  })
})

t.test('what is refused', async (t) => {
  const refused: [words: string[], message: RegExp][] = [
    [['--batches'], /did you mean --batch\?/],
    [['--batch', '1'], /from 2 to 1024/],
    [['--size', '1473'], /from 4 to 1472/],
    [['--precision', '0'], /percentage/],
    [['--target', 'moon'], /auto or sink or loopback/],
    [['--cpu', '4095'], /one of the processors/],
    [['--diff', 'a.json'], /needs two files/],
    [['--diff', 'a.json', '--json'], /needs two files/],
    [['left over'], /unexpected argument/],
  ]
  for (const [words, message] of refused) {
    t.throws(() => parseProfileOptions(words), { constructor: UsageError, message }, words.join(' '))
  }
})
