import { type Figures, workOutFigures } from '../../../../bench/profile/analysis/figures.js'
import { noiseOf } from '../../../../bench/profile/analysis/noise.js'
import { judgeTrust } from '../../../../bench/profile/analysis/trust.js'
import { parseProfileOptions } from '../../../../bench/profile/options.js'
import type { Case, Subject } from '../../../../bench/profile/plan/case.js'
import { subjectCases } from '../../../../bench/profile/plan/subject-cases.js'
import type { ProfileRun } from '../../../../bench/profile/run.js'
import { type Measured, measureRounds } from '../../../../bench/profile/schedule/rounds.js'
import { seededRandom } from '../../../../bench/workload/random.js'
import { FakeMachine } from './fake-machine.js'

export const SUBJECT: Subject = {
  batch: 64,
  sizeBytes: 1400,
  batches: [1, 2, 4, 16, 64, 256, 1024],
  hasCuttingSink: true,
  replicas: 2,
}

export const STRATEGY_NAMES = [
  { name: 'library', describe: 'as it is' },
  { name: 'other', describe: 'another' },
]

/** Measures a machine that does not exist. */
export function measureFake(cases: readonly Case[], machine: FakeMachine, rounds: number, seed = 1): Promise<Measured> {
  const effort = { blockNanoseconds: 3e6, deadlineMs: 1e12, fewestRounds: rounds, mostRounds: rounds }
  return measureRounds(cases, machine, effort, {
    random: seededRandom(seed),
    clock: () => machine.nowMs,
    signal: new AbortController().signal,
    watcher: { isEnough: () => false, say: () => {} },
  })
}

/** A whole run, as `bench/profile.ts` makes one, without a machine. */
export async function fakeRun(seed: number, rounds = 20, machine = new FakeMachine(seed)): Promise<ProfileRun> {
  const cases = subjectCases(
    SUBJECT,
    STRATEGY_NAMES.map(({ name }) => name),
  )
  const measured = await measureFake(cases, machine, rounds, seed)
  const basis = { ...measured, subject: SUBJECT, strategies: STRATEGY_NAMES, growth: new Map() }
  const figures: Figures = workOutFigures(basis, seededRandom(seed), 300)
  const noise = noiseOf(measured.series, measured.rounds)
  return {
    options: parseProfileOptions(['--seed', String(seed)]),
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: machine.nowMs / 1000,
    machine: { kernel: '6.1', cpu: 'none', cores: 2, architecture: 'x64', node: '20.0.0', koffi: '3.0.0' },
    subject: SUBJECT,
    place: { name: 'sink', explanation: 'Nowhere.' },
    isRealTime: true,
    clockNanoseconds: 40,
    measured,
    figures,
    crossChecks: [{ name: 'system calls', by: 'strace -c', verdict: 'agrees', text: 'as many as expected' }],
    noise,
    trust: judgeTrust({
      ladders: figures.ladders,
      noise,
      rounds,
      precision: 0.02,
      isRealTime: true,
      isPinned: false,
      crossCheckFailures: [],
    }),
  }
}
