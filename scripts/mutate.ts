import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Mutant, mutantsOf } from './mutate/mutants.js'
import { Sandbox } from './mutate/sandbox.js'

// Mutation testing: changes one operator, literal or statement of src at a time, and runs the tests that should fail.
//   npx ts-node scripts/mutate.ts [--folder layout,batch,…] [--sample N] [--seed N] [--minutes N] [--json FILE]

const ROOT = join(__dirname, '..')
const FOLDERS = ['layout', 'batch', 'socket', 'loop', 'dgram']
const PROCESSES = 2

interface Verdict extends Mutant {
  readonly killedBy: string | undefined
  /** The failed assertion, or `timeout`. */
  readonly reason: string | undefined
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const options = { folder: text, sample: text, seed: text, minutes: text, json: text }
  const { values } = parseArgs({ options })
  const folders = values.folder?.split(',') ?? FOLDERS
  const unknown = folders.find((folder) => !FOLDERS.includes(folder))
  if (unknown !== undefined) throw new Error(`--folder must be one of ${FOLDERS.join(', ')}; received ${unknown}`)
  const random = generator(number('seed', values.seed, 1))
  const sample = number('sample', values.sample, Number.POSITIVE_INFINITY)
  const deadline = Date.now() + number('minutes', values.minutes, Number.POSITIVE_INFINITY) * 60_000
  const all = new Map(folders.map((folder) => [folder, mutantsOf(join(ROOT, 'src'), folder)]))
  const chosen = shuffled(
    [...all.values()].flatMap((mutants) => shuffled(mutants, random).slice(0, sample)),
    random,
  )

  const sandboxes = Array.from({ length: PROCESSES }, () => new Sandbox(ROOT))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  await assertTestsPass(sandboxes, chosen)
  const verdicts: Verdict[] = []
  const queue = chosen.values()
  await inParallel(sandboxes, async (sandbox) => {
    for (const mutant of queue) {
      if (Date.now() > deadline) return
      const verdict = await judge(sandbox, mutant)
      if (verdict === undefined) continue
      verdicts.push(verdict)
      const { file, line, original, mutated, killedBy, reason } = verdict
      const fate = killedBy === undefined ? 'SURVIVED' : `killed by ${killedBy}: ${reason}`
      console.error(`${verdicts.length}/${chosen.length} ${file}:${line} ${short(original)} -> ${mutated} ${fate}`)
    }
  })
  report(all, verdicts)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(verdicts, undefined, 2)}\n`)
}

/** Runs all tests once without a mutant. @throws Error if one fails, because every mutant would then count as killed */
async function assertTestsPass(sandboxes: Sandbox[], mutants: Mutant[]): Promise<void> {
  const tests = new Set(mutants.flatMap(({ file }) => sandboxes[0].testsFor(file)))
  console.error(`${tests.size} test files without a mutant`)
  const queue = tests.values()
  const failed: string[] = []
  await inParallel(sandboxes, async (sandbox) => {
    for (const test of queue) {
      const reason = (await sandbox.run(test)) && (await sandbox.run(test))
      if (reason !== undefined) failed.push(`${test}: ${reason}`)
    }
  })
  if (failed.length > 0) throw new Error(`tests fail without a mutant:\n${failed.join('\n')}`)
}

/** Runs the tests of a mutant until one fails. @returns undefined if the mutant does not compile */
async function judge(sandbox: Sandbox, mutant: Mutant): Promise<Verdict | undefined> {
  try {
    if (!sandbox.apply(mutant)) return undefined
    for (const test of sandbox.testsFor(mutant.file)) {
      const reason = await sandbox.run(test)
      if (reason === undefined) continue
      // Run a failed test again: on a busy machine a test can fail by itself. A timeout is final.
      const again = reason === 'timeout' ? reason : await sandbox.run(test)
      if (again !== undefined) return { ...mutant, killedBy: test, reason }
    }
    return { ...mutant, killedBy: undefined, reason: undefined }
  } finally {
    sandbox.restore(mutant.file)
  }
}

function report(all: Map<string, Mutant[]>, verdicts: Verdict[]): void {
  console.log('| folder | mutants | tried | killed | survived | killed, 95 % interval |\n|---|---|---|---|---|---|')
  // The sample size is the same for each folder, whatever the folder's size. The total is weighted by the number of
  // mutants.
  const total = { mutants: 0, tried: 0, killed: 0, weighted: 0 }
  for (const [folder, mutants] of all) {
    const tried = verdicts.filter(({ file }) => file.startsWith(`${folder}/`))
    if (tried.length === 0) continue
    const killed = tried.filter(({ killedBy }) => killedBy !== undefined).length
    const [low, high] = interval(killed, tried.length, mutants.length).map(percent)
    const share = `${percent(killed / tried.length)} (${low} - ${high})`
    console.log(`| ${folder} | ${mutants.length} | ${tried.length} | ${killed} | ${tried.length - killed} | ${share} |`)
    total.mutants += mutants.length
    total.tried += tried.length
    total.killed += killed
    total.weighted += (killed / tried.length) * mutants.length
  }
  const { mutants, tried, killed, weighted } = total
  const share = `${percent(weighted / mutants)}, weighted by mutants`
  if (tried > 0) console.log(`| all | ${mutants} | ${tried} | ${killed} | ${tried - killed} | ${share} |`)
  console.log('\nSurvivors:')
  for (const { file, line, original, mutated, killedBy } of verdicts) {
    if (killedBy === undefined) console.log(`src/${file}:${line}: ${short(original)} -> ${mutated}`)
  }
}

/** Wilson score interval of a proportion, 95 %; the proportion itself if all mutants were tried. */
function interval(killed: number, tried: number, all: number): [number, number] {
  const share = killed / tried
  if (tried >= all) return [share, share]
  const z = 1.96
  const middle = share + z ** 2 / (2 * tried)
  const half = z * Math.sqrt((share * (1 - share)) / tried + z ** 2 / (4 * tried ** 2))
  const scale = 1 + z ** 2 / tried
  return [(middle - half) / scale, (middle + half) / scale]
}

async function inParallel(sandboxes: Sandbox[], work: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  await Promise.all(sandboxes.map(work))
}

function number(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (text !== '' && Number.isFinite(value) && value >= 0) return value
  throw new Error(`--${name} must be a number of at least 0; received ${text}`)
}

/** Random numbers from 0 to 1, generated from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 80 ? `${line.slice(0, 77)}...` : line
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
