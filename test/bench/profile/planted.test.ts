import t from 'tap'
import { type LineFigure, lineFigure } from '../../../bench/profile/analysis/lines.js'
import { compareDocuments } from '../../../bench/profile/compare/compare.js'
import type { Case } from '../../../bench/profile/plan/case.js'
import { type LineKey, lineId, lineWork } from '../../../bench/profile/plan/line-cases.js'
import type { ProfileDocument } from '../../../bench/profile/report/document.js'
import { columns } from '../../../bench/profile/schedule/columns.js'
import { Resampling } from '../../../bench/profile/statistics/resampling.js'
import type { Planted } from '../../../bench/profile/work/work.js'
import { seededRandom } from '../../../bench/workload/random.js'
import { FakeMachine } from './support/fake-machine.js'
import { measureFake } from './support/fake-run.js'

const KEY: LineKey = { mode: 'sendmmsg', connected: false }
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
const RUNS = 20

async function measureLine(seed: number, planted: Planted | undefined): Promise<LineFigure> {
  const cases = BATCHES.map(
    (batch): Case => ({
      id: lineId(KEY, batch),
      worker: 'line',
      place: 'main',
      every: 1,
      work: lineWork(KEY, batch, 1400, planted),
    }),
  )
  const rounds = 40
  const { series } = await measureFake(cases, new FakeMachine(seed), rounds, seed)
  return lineFigure(new Resampling(columns(series, rounds), rounds, seededRandom(seed)), KEY, BATCHES)
}

const documentOf = (line: LineFigure): ProfileDocument =>
  ({
    machine: {},
    place: {},
    subject: {},
    trust: { isTrustworthy: true, failures: [] },
    ladder: [],
    lines: [line],
    strategies: [],
    crossings: [],
  }) as unknown as ProfileDocument

const SCENARIOS: readonly { name: string; planted: Planted | undefined; a: number; b: number; verdicts: string[] }[] = [
  {
    name: '50 ns a message',
    planted: { messageNanoseconds: 50, callNanoseconds: 0 },
    a: 0,
    b: 50,
    verdicts: ['cannot tell', 'slower'],
  },
  {
    name: '1 µs a call',
    planted: { messageNanoseconds: 0, callNanoseconds: 1000 },
    a: 1000,
    b: 0,
    verdicts: ['slower', 'cannot tell'],
  },
  { name: 'nothing', planted: undefined, a: 0, b: 0, verdicts: ['cannot tell', 'cannot tell'] },
]

for (const { name, planted, a, b, verdicts } of SCENARIOS) {
  t.test(`planted: ${name}`, async (t) => {
    let found = 0
    for (let run = 0; run < RUNS; run += 1) {
      const before = await measureLine(1000 + run, undefined)
      const after = await measureLine(2000 + run, planted)
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
