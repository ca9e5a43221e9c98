import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BUNDLERS } from './matrix/bundlers.js'
import { type Cell, NotRun } from './matrix/cell.js'
import { FOREIGN } from './matrix/foreign.js'
import { HOSTS } from './matrix/hosts.js'
import { pack } from './matrix/project.js'
import { RUNTIMES } from './matrix/runtimes.js'
import { TYPESCRIPT } from './matrix/typescript.js'

const CELLS: readonly Cell[] = [...HOSTS, ...TYPESCRIPT, ...BUNDLERS, ...RUNTIMES, ...FOREIGN]

const HELP = `Runs the packed library in other runtimes, compilers, bundlers and test runners.

Usage: npx ts-node scripts/check-matrix.ts [options]

  --only NAME   run only the cells whose names begin with NAME; can be repeated
  --list        print the names of the cells
  --help        print this text

Each cell has an empty project in a temporary directory, and installs what it needs from the registry. A cell that
requires a program which this machine lacks is skipped, with the reason.

Exit status 1 if a cell fails, or if none was run.
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) console.log(HELP)
  if (values.list) console.log(CELLS.map(({ name }) => name).join('\n'))
  if (values.help || values.list) return 0
  const { only } = values
  for (const prefix of only ?? []) {
    if (!CELLS.some(({ name }) => name.startsWith(prefix))) throw new Error(`--only ${prefix}: no cell has this name`)
  }
  return runCells(CELLS.filter(({ name }) => only === undefined || only.some((prefix) => name.startsWith(prefix))))
}

async function runCells(cells: readonly Cell[]): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'batchconn-matrix-'))
  const counts = { passed: 0, failed: 0, skipped: 0 }
  try {
    const tarball = await pack(join(work, 'source'))
    for (const cell of cells) {
      const folder = join(work, cell.name)
      mkdirSync(folder)
      const [result, text] = await attempt(cell, folder, tarball)
      counts[result] += 1
      console.log(`${LABELS[result]} ${cell.name}: ${text}`)
      rmSync(folder, { recursive: true })
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const { passed, failed, skipped } = counts
  console.log(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`)
  return failed > 0 || passed === 0 ? 1 : 0
}

async function attempt(cell: Cell, folder: string, tarball: string): Promise<[keyof typeof LABELS, string]> {
  try {
    return ['passed', await cell.run(folder, tarball)]
  } catch (error) {
    return [error instanceof NotRun ? 'skipped' : 'failed', error instanceof Error ? error.message : String(error)]
  }
}

const LABELS = { passed: 'ok', failed: 'FAILED', skipped: 'not run' }

main().then(
  (status) => {
    process.exitCode = status
  },
  ({ message }: Error) => {
    console.error(message)
    process.exitCode = 2
  },
)
