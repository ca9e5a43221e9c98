import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { type Note, type Tally, TallyParser } from './test-tally.js'

/**
 * Runs the tests with tap, says what failed and what was skipped, and closes with the line `N passed, N failed`.
 * Arguments go to tap: the files to run, and its options.
 */
async function main(args: readonly string[]): Promise<number> {
  const unreported = new Set(listFiles(args))
  const tally = new TallyParser({
    print: (text) => process.stdout.write(text),
    file: (path, ...rest) => {
      unreported.delete(path)
      printFile(path, ...rest)
    },
  })
  const tap = spawn(TAP, ['--reporter=tap', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  tap.stdout.pipe(tally.stream)
  const [[status, signal]] = await Promise.all([once(tap, 'close'), once(tally.stream, 'complete')])

  const { total } = tally
  // After a timeout tap gives one more result than it has files, and leaves out a file for it.
  for (const file of unreported) total.failures.push({ path: [file], text: 'tap does not say what became of it' })
  if (status !== 0 && total.failed === 0) {
    total.failures.push({ path: ['test run'], text: `tap ended with ${status ?? signal}` })
  }
  printNotes('Skipped', total.skips)
  printNotes('Failed', total.failures)
  console.log(`\n${total}`)
  return total.failed === 0 ? 0 : 1
}

function listFiles(args: readonly string[]): string[] {
  const { status, stdout } = spawnSync(TAP, ['list', ...args], { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? stdout.trim().split('\n') : []
}

function printFile(path: string, tally: Tally, milliseconds: number): void {
  const verdict = tally.failed > 0 ? 'FAIL' : tally.passed > 0 ? 'ok  ' : 'skip'
  console.log(`${verdict} ${path}: ${tally} (${(milliseconds / 1000).toFixed(1)} s)`)
}

function printNotes(title: string, notes: readonly Note[]): void {
  if (notes.length === 0) return
  console.log(`\n${title}:`)
  for (const { path, text } of notes) console.log(`  ${[path.join(' > '), ...text.split('\n')].join('\n      ')}`)
}

const ROOT = dirname(__dirname)

const TAP = join(ROOT, 'node_modules', '.bin', 'tap')

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
