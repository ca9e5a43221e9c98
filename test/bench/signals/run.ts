import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endCommand } from './end-command.js'
import { COMMANDS, SIGNALS } from './moments.js'

/**
 * Ends every command at every moment by every signal; with arguments, those whose names contain one. Prints a line for each, and exits with 1 if one
 * had a problem. `--compiled` uses JavaScript, which starts faster.
 */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { compiled: { type: 'boolean' } }, allowPositionals: true })
  let [ends, failed] = [0, 0]
  for (const one of COMMANDS) {
    for (const moment of one.moments) {
      const isNamed = (words: string) => `${one.command} ${moment.name}`.includes(words)
      if (positionals.length > 0 && !positionals.some(isNamed)) continue
      for (const sent of SIGNALS) {
        const folder = mkdtempSync(join(tmpdir(), 'signals-'))
        const problems = await endCommand(one, moment, sent, folder, !values.compiled).catch((error) => [String(error)])
        rmSync(folder, { recursive: true, force: true })
        ends += 1
        failed += problems.length > 0 ? 1 : 0
        const outcome = problems.length === 0 ? 'ok' : `PROBLEM: ${problems.join('; ').slice(0, 500)}`
        console.log(`${one.command} ${moment.name}, ${sent.signal}: ${outcome}`)
      }
    }
  }
  console.log(`${ends} ends, ${failed} with a problem`)
  return failed === 0 && ends > 0 ? 0 : 1
}

void main().then((status) => {
  process.exitCode = status
})
