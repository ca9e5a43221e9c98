import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { compiledPackage } from '../support/compiled.js'
import { CASES } from './differential/cases/index.js'
import { KNOWN_DIFFERENCES } from './differential/known-differences.js'

t.setTimeout(240_000)

const ROOT = join(__dirname, '../..')
const COMPILED = compiledPackage()
const SCRIPT = join(COMPILED, 'scripts/compare-dgram.js')
const DROP_IN = join(COMPILED, 'src/dgram/index.js')
const BROKEN = join(COMPILED, 'test/dgram/differential/broken.js')

/** One line of the script's output. */
interface Outcome {
  readonly kind: string
  readonly name: string
  readonly reason?: string
  readonly expected: readonly string[]
  readonly actual: readonly string[]
}

t.test('the drop-in behaves as node:dgram in every case', async (t) => {
  const { outcomes, status } = await compare('--module', DROP_IN)
  for (const { kind, name, reason, expected, actual } of outcomes) {
    if (kind === 'equal' || kind === 'known difference') t.pass(`${name}${reason === undefined ? '' : ` (${reason})`}`)
    else t.strictSame(kind === 'different' ? actual : [kind, reason], expected, name)
  }
  t.equal(outcomes.length, CASES.length, 'every case has a result')
  t.equal(status, 0)
})

t.test('the comparison finds the differences of a module that deviates from node:dgram', async (t) => {
  const { outcomes, status } = await compare('--module', BROKEN, '--filter', '^(address|close: of|bind fails: twice)')
  const different = outcomes.filter(({ kind }) => kind === 'different').map(({ name }) => name)
  t.equal(status, 1)
  t.ok(different.includes('bind fails: twice'), 'a different error code')
  t.ok(different.includes('close: of a bound socket'), 'an event that is emitted too early')
  t.ok(different.includes('address: of a bound socket'), 'a different order of keys')
  t.notOk(different.includes('address: of a new socket'), 'no difference where the behaviour is the same')
})

t.test('the cases have different names, and each known difference names a case', (t) => {
  const names = CASES.map(({ name }) => name)
  t.ok(names.length >= 200, `${names.length} cases`)
  t.strictSame(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
    'no two have the same name',
  )
  for (const { name, reason } of KNOWN_DIFFERENCES) t.ok(names.includes(name) && reason.length > 20, name)
  t.end()
})

/** Runs the script in its own process, because uncaught exceptions are part of what it compares. */
async function compare(...args: string[]): Promise<{ outcomes: Outcome[]; status: number }> {
  const program = [process.execPath, SCRIPT, '--json', ...args]
  // tap adds a loader to NODE_OPTIONS.
  const child = spawn('env', ['--unset=NODE_OPTIONS', ...program], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const outcomes: Outcome[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) outcomes.push(JSON.parse(line))
  }
  const [status] = await closed
  return { outcomes, status }
}
