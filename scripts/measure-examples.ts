import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { decimal, whole } from '../bench/report/format.js'
import { medianEstimate, ratioEstimate } from '../bench/stats/interval.js'
import { seededRandom, shuffled } from '../bench/stats/random.js'
import { COMPARISONS, type Comparison, TRANSPORTS, type Transport } from './examples/comparisons.js'
import { Program } from './examples/program.js'
import { asUser, createProject, pack } from './matrix/project.js'
import { succeed } from './matrix/run.js'

const HELP = `Measures the work of each example per second of its CPU time, on batchconn and on node:dgram, and prints a table in
Markdown.

Usage: npx ts-node scripts/measure-examples.ts [options]

  --only NAME    this example only; can be repeated
  --rounds N     rounds of each example (default 10); each runs both, in random order
  --node PATH    run the examples with this Node.js (default: the one that runs this script)
  --help         print this text

The library is packed and installed in a temporary project, as a user would. Requires dnsperf, ffmpeg and
logger (Debian packages), and Node 22.13 or newer: its node:dgram has reusePort, and it has node:sqlite.
`

const ROOT = join(__dirname, '..')
/** What the examples and their clients import. */
const PACKAGES = ['dns-packet@5.6.1', 'hot-shots@17.1.1', 'werift@0.25.2']

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '10' },
      node: { type: 'string', default: process.execPath },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(HELP)
  const chosen = COMPARISONS.filter(({ example }) => values.only?.includes(example) ?? true)
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-examples-'))
  try {
    await install(folder)
    console.log('| example | client | measure | `node:dgram` | batchconn | ratio |\n|---|---|---|---|---|---|')
    for (const comparison of chosen) console.log(await row(comparison, Number(values.rounds), folder, values.node))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Creates a project with the packed library, the packages of the examples, and the examples for each transport. */
async function install(folder: string): Promise<void> {
  await createProject(folder, await pack(join(folder, 'source')), { packages: PACKAGES })
  for (const transport of TRANSPORTS) compile('examples', join(folder, transport), transport)
  compile('scripts/examples/clients', join(folder, 'clients'), 'batchconn')
}

/** Compiles the programs of a folder to JavaScript that imports node:dgram or batchconn. */
function compile(source: string, target: string, transport: Transport): void {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true }
  mkdirSync(target)
  for (const name of readdirSync(join(ROOT, source))) {
    const user = asUser(join(source, name))
    const text = transport === 'batchconn' ? user : user.replaceAll(/'batchconn\/(dgram|register)'/g, "'node:dgram'")
    const code = name.endsWith('.ts') ? ts.transpileModule(text, { compilerOptions }).outputText : text
    writeFileSync(join(target, name.replace(/\.c?[jt]s$/, '.js')), code)
  }
}

async function row(comparison: Comparison, rounds: number, folder: string, node: string): Promise<string> {
  const random = seededRandom(1)
  const values: Record<Transport, number[]> = { 'node:dgram': [], batchconn: [] }
  for (let round = 0; round < rounds; round += 1) {
    for (const transport of shuffled(TRANSPORTS, random)) {
      values[transport].push(await measure(comparison, transport, folder, node))
    }
  }
  const [before, after] = TRANSPORTS.map((transport) => whole(medianEstimate(values[transport]).median))
  const ratios = values.batchconn.map((value, round) => value / values['node:dgram'][round])
  const { median, low, high } = ratioEstimate(ratios, random)
  const ratio = `${decimal(median, 2)} (${decimal(low, 2)} - ${decimal(high, 2)})`
  return `| ${[comparison.example, comparison.client, comparison.measure, before, after, ratio].join(' | ')} |`
}

async function measure({ run }: Comparison, transport: Transport, folder: string, node: string): Promise<number> {
  const files = mkdtempSync(join(folder, 'run-'))
  const programs: Program[] = []
  const start = async (place: string, name: string, args: readonly (string | number)[]) => {
    const program = new Program([node, join(folder, place, `${name}.js`), ...args.map(String)], files)
    programs.push(program)
    await program.prints(/\n/)
    return program
  }
  try {
    return await run({
      transport,
      folder: files,
      example: (name, ...args) => start(transport, name, args),
      client: (name, ...args) => start('clients', name, args),
      run: (program, ...args) => succeed(program, args.map(String), { cwd: files }),
    })
  } finally {
    for (const program of programs) await program.stop()
    rmSync(files, { recursive: true })
  }
}

main()
