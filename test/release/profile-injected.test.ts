import t from 'tap'
import { columns } from '../../bench/engine/rounds.js'
import { type LineFigure, lineFigure } from '../../bench/profile/analysis/figures.js'
import { type LineKey, lineCase } from '../../bench/profile/cases/cases.js'
import { compareDocuments } from '../../bench/profile/compare.js'
import type { ProfileDocument } from '../../bench/profile/report/document.js'
import { seededRandom } from '../../bench/stats/random.js'
import { Resampling } from '../../bench/stats/resampling.js'
import { FakeMachine, type InjectedCost } from '../bench/profile/support/fake-machine.js'
import { measureFake } from '../bench/profile/support/fake-run.js'

const KEY: LineKey = { mode: 'sendmmsg', connected: false }
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
const RUNS = 20

async function measureLine(seed: number, injected: InjectedCost | undefined): Promise<LineFigure> {
  const cases = BATCHES.map((batch) => lineCase(KEY, batch, 1400))
  const rounds = 40
  const { series } = await measureFake(cases, new FakeMachine(seed, { injected }), rounds, seed)
  return lineFigure(new Resampling(columns(series, rounds), rounds, seededRandom(seed)), KEY, BATCHES)
}

const documentOf = (line: LineFigure): ProfileDocument =>
  ({
    machine: {},
    target: {},
    subject: {},
    reliability: { isReliable: true, failures: [] },
    breakdowns: [],
    lines: [line],
    encoders: [],
    crossings: [],
  }) as unknown as ProfileDocument

const SCENARIOS: readonly {
  name: string
  injected: InjectedCost | undefined
  a: number
  b: number
  verdicts: string[]
}[] = [
  {
    name: '50 ns per message',
    injected: { messageNanoseconds: 50, callNanoseconds: 0 },
    a: 0,
    b: 50,
    verdicts: ['not significant', 'slower'],
  },
  {
    name: '1 µs per call',
    injected: { messageNanoseconds: 0, callNanoseconds: 1000 },
    a: 1000,
    b: 0,
    verdicts: ['slower', 'not significant'],
  },
  { name: 'nothing', injected: undefined, a: 0, b: 0, verdicts: ['not significant', 'not significant'] },
]

for (const { name, injected, a, b, verdicts } of SCENARIOS) {
  t.test(`injected: ${name}`, async (t) => {
    let found = 0
    for (let run = 0; run < RUNS; run += 1) {
      const before = await measureLine(1000 + run, undefined)
      const after = await measureLine(2000 + run, injected)
      const [call, message] = compareDocuments(documentOf(before), documentOf(after)).verdicts
      const within = ({ low, high }: { low: number; high: number }, truth: number) => low <= truth && truth <= high
      const isFound =
        within(call.difference, a) &&
        within(message.difference, b) &&
        call.verdict === verdicts[0] &&
        message.verdict === verdicts[1]
      if (isFound) found += 1
    }
    t.comment(`${found} of ${RUNS}`)
    t.ok(found >= 19, `found within its interval in ${found} of ${RUNS} runs`)
  })
}
