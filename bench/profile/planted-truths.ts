import { join } from 'node:path'
import { runCommand } from '../failure.js'
import { seededRandom } from '../workload/random.js'
import { makeResampling } from './analysis/figures.js'
import { openPlaces } from './places/places.js'
import type { Case } from './plan/case.js'
import { replicaId } from './plan/ladder-cases.js'
import { type LineKey, lineWork } from './plan/line-cases.js'
import { WorkerPool } from './process/worker-pool.js'
import { measureRounds } from './schedule/rounds.js'
import { contains } from './statistics/interval.js'
import { fitLine } from './statistics/line.js'
import type { Lookup } from './statistics/resampling.js'
import type { Planted } from './work/work.js'

// Adds known work to real sends, and sees whether the line shows it: npx ts-node bench/profile/planted-truths.ts [seconds]
const KEY: LineKey = { mode: 'sendmmsg', connected: false }
/** As in the profile: two processes differ by more than one process does from itself. */
const PROCESSES = 3
const BATCHES = [1, 2, 4, 8, 16, 64, 256]
const PLANTED: Readonly<Record<string, Planted>> = {
  '50 ns a message': { messageNanoseconds: 50, callNanoseconds: 0 },
  '1 µs a call': { messageNanoseconds: 0, callNanoseconds: 1000 },
  nothing: { messageNanoseconds: 0, callNanoseconds: 0 },
}

const idOf = (name: string, batch: number) => `${name}/${batch}`

function casesOf(name: string, planted: Planted | undefined): Case[] {
  return Array.from({ length: PROCESSES }, (_, index) =>
    BATCHES.map(
      (batch): Case => ({
        id: replicaId(idOf(name, batch), index),
        worker: replicaId(name, index),
        place: 'main',
        every: 1,
        work: lineWork(KEY, batch, 1400, planted),
      }),
    ),
  ).flat()
}

async function main(signal: AbortSignal): Promise<void> {
  const places = openPlaces('auto')
  try {
    const planted = Object.entries(PLANTED)
    const cases = [...casesOf('plain', undefined), ...planted.flatMap(([name, what]) => casesOf(name, what))]
    await using pool = new WorkerPool(places, join(__dirname, 'process', 'worker.ts'), { isRealTime: true })
    await pool.startAll(cases, signal)
    const seconds = Number(process.argv[2] ?? 30)
    const effort = {
      blockNanoseconds: 4e6,
      deadlineMs: performance.now() + seconds * 1000,
      fewestRounds: 10,
      mostRounds: 10_000,
    }
    const { series, rounds } = await measureRounds(cases, pool, effort, {
      random: seededRandom(1),
      clock: () => performance.now(),
      watcher: { isEnough: () => false, say: () => {} },
      signal,
    })
    const resampling = makeResampling(series, rounds, seededRandom(2), 1000)
    const fit = (of: Lookup, name: string) => fitLine(BATCHES.map((n) => ({ n, nanoseconds: of(idOf(name, n)) })))
    for (const [name, { callNanoseconds, messageNanoseconds }] of planted) {
      const a = resampling.interval((of) => fit(of, name).a - fit(of, 'plain').a)
      const b = resampling.interval((of) => fit(of, name).b - fit(of, 'plain').b)
      const show = (what: typeof a, truth: number) =>
        `${what.estimate.toFixed(0)} [${what.low.toFixed(0)}, ${what.high.toFixed(0)}] ` +
        `(planted ${truth}: ${contains(what, truth) ? 'within' : 'missed'}; ${contains(what, 0) ? 'cannot tell' : 'slower'})`
      console.log(`${name}: a call ${show(a, callNanoseconds)}; a message ${show(b, messageNanoseconds)}`)
    }
    console.log(`${rounds} rounds`)
  } finally {
    places.close()
  }
}

void runCommand('planted-truths', main)
