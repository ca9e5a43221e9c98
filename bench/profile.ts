import { readFileSync, writeFileSync } from 'node:fs'
import { Failure, runCommand } from './failure.js'
import { compareDocuments } from './profile/compare/compare.js'
import { comparisonText } from './profile/compare/comparison-text.js'
import { parseDocument } from './profile/compare/parse-document.js'
import { type ProfileOptions, parseProfileOptions } from './profile/options.js'
import { documentText, profileDocument } from './profile/report/document.js'
import { htmlReport } from './profile/report/html.js'
import { terminalReport } from './profile/report/terminal.js'
import { runProfile } from './profile/run.js'

async function profile(options: ProfileOptions, signal: AbortSignal): Promise<void> {
  const run = await runProfile(options, options.quiet ? () => {} : progress(), signal)
  const document = profileDocument(run)
  if (options.html !== undefined) write(options.html, await htmlReport(document))
  process.stdout.write(options.json ? documentText(document) : `${terminalReport(run)}\n`)
  if (!run.trust.isTrustworthy) process.exitCode = NOT_TRUSTWORTHY
}

function compare(options: ProfileOptions, { before, after }: { before: string; after: string }): void {
  const [one, other] = [before, after].map((file) => parseDocument(file, read(file)))
  const comparison = compareDocuments(one, other)
  process.stdout.write(`${options.json ? JSON.stringify(comparison, null, 2) : comparisonText(comparison)}\n`)
}

/** Says how far it is, on standard error: over itself on a terminal, now and then elsewhere. */
function progress(): (line: string) => void {
  let saidMs = Number.NEGATIVE_INFINITY
  return (line) => {
    const nowMs = performance.now()
    if (nowMs - saidMs < PROGRESS_MS && /^round/.test(line)) return
    saidMs = nowMs
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Failure(`cannot read ${file} (${(error as NodeJS.ErrnoException).code})`)
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new Failure(`cannot write ${file} (${(error as NodeJS.ErrnoException).code})`)
  }
}

const NOT_TRUSTWORTHY = 3
const PROGRESS_MS = 5000

void runCommand('profile', async (signal) => {
  const options = parseProfileOptions(process.argv.slice(2))
  if (options.compare !== undefined) compare(options, options.compare)
  else await profile(options, signal)
})
