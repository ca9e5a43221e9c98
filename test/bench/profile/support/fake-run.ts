import { type Measured, measureRounds } from '../../../../bench/engine/rounds.js'
import { type ProfilePlan, parseProfileOptions } from '../../../../bench/options/local-options.js'
import { computeFigures } from '../../../../bench/profile/analysis/figures.js'
import type { ProfileRun } from '../../../../bench/profile/analysis/reliability.js'
import { type ProfileCase, type Subject, subjectCases, type Work } from '../../../../bench/profile/cases/cases.js'
import { seededRandom } from '../../../../bench/stats/random.js'
import { FakeMachine } from './fake-machine.js'

export const SUBJECT: Subject = {
  batch: 64,
  sizeBytes: 1400,
  batches: [1, 2, 4, 16, 64, 256, 1024],
  hasSplittingSink: true,
  replicas: 2,
}

const ENCODERS = [
  { name: 'library', describe: 'as it is' },
  { name: 'other', describe: 'another' },
]

/** Measures a simulated machine. */
export function measureFake(
  cases: readonly ProfileCase[],
  machine: FakeMachine,
  rounds: number,
  seed = 1,
): Promise<Measured<Work>> {
  return measureRounds(cases, machine, {
    sampleNanoseconds: 3e6,
    fewestRounds: rounds,
    random: seededRandom(seed),
    signal: new AbortController().signal,
    endOf: () => 'budget',
    say: () => {},
  })
}

/** A whole run of `bench/profile.ts`, on a simulated machine. */
export async function fakeRun(seed: number, rounds = 20, machine = new FakeMachine(seed)): Promise<ProfileRun> {
  const cases = subjectCases(
    SUBJECT,
    ENCODERS.map(({ name }) => name),
  )
  const measured = await measureFake(cases, machine, rounds, seed)
  const plan = parseProfileOptions(['--seed', String(seed)]) as ProfilePlan
  const basis = { ...measured, subject: SUBJECT, growth: new Map(), encoders: ENCODERS }
  return {
    plan,
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: machine.nowMs / 1000,
    machine: { kernel: '6.1', cpu: 'none', cores: 2, architecture: 'x64', node: '20.0.0', koffi: '3.0.0' },
    subject: SUBJECT,
    target: { name: 'sink', explanation: 'Nowhere.' },
    isRealTime: true,
    clockNanoseconds: 40,
    measured,
    figures: computeFigures(basis, seed + 1, 300),
    crossChecks: [{ name: 'system calls', by: 'strace -c', verdict: 'agrees', text: 'as many as expected' }],
  }
}
