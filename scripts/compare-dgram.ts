import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Case } from '../test/dgram/differential/case.js'
import { CASES } from '../test/dgram/differential/cases/index.js'
import { compare, type Subject, TIMED_OUT, type Verdict } from '../test/dgram/differential/compare.js'
import { KNOWN_DIFFERENCES, type KnownDifference } from '../test/dgram/differential/known-differences.js'
import type { Dgram } from '../test/dgram/differential/types.js'

/**
 * Runs every case of `test/dgram/differential` on node:dgram and on the drop-in, and prints what differs.
 *
 * Exit status 1 if anything differs that is not a known difference, or a known difference no longer differs.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string', default: '' },
      module: { type: 'string', default: join(__dirname, '../src/dgram/index.ts') },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  const pattern = new RegExp(values.filter)
  const chosen = CASES.filter(({ name }) => pattern.test(name))
  if (values.list) {
    for (const { name } of chosen) console.log(name)
    return 0
  }
  return run(chosen, load('node:dgram'), load(values.module), values.json ? printJson : printText)
}

/** Result of a case, with the known differences considered. */
interface Outcome extends Verdict {
  readonly kind: 'equal' | 'different' | 'known difference' | 'no longer different' | 'broken'
  readonly reason?: string
}

async function run(
  chosen: readonly Case[],
  reference: Subject,
  subject: Subject,
  print: (outcome: Outcome) => void,
): Promise<number> {
  const counts = { equal: 0, different: 0, 'known difference': 0, 'no longer different': 0, broken: 0 }
  for (const one of chosen) {
    const outcome = judge(await compare(one, reference, subject), subject === reference)
    counts[outcome.kind] += 1
    print(outcome)
  }
  const strangers = KNOWN_DIFFERENCES.filter(({ name }) => !CASES.some((one) => one.name === name))
  for (const { name } of strangers) console.log(`! known difference of a case that does not exist: ${name}`)

  const different = counts.different + counts.broken + counts['no longer different'] + strangers.length
  const total = `${chosen.length} cases, ${counts.equal} equal, ${different} different`
  console.log(`# ${total}, ${counts['known difference']} known differences`)
  return different === 0 ? 0 : 1
}

function judge(verdict: Verdict, itself: boolean): Outcome {
  const known = itself ? undefined : KNOWN_DIFFERENCES.find((one) => one.name === verdict.name && appliesHere(one))
  if (verdict.expected.at(-1) === TIMED_OUT) return { ...verdict, kind: 'broken', reason: 'node:dgram hangs' }
  if (known === undefined) return { ...verdict, kind: verdict.equal ? 'equal' : 'different' }
  return { ...verdict, kind: verdict.equal ? 'no longer different' : 'known difference', reason: known.reason }
}

function appliesHere({ before }: KnownDifference): boolean {
  return before === undefined || process.versions.node.localeCompare(before, 'en', { numeric: true }) < 0
}

function printText({ kind, name, reason, expected, actual }: Outcome): void {
  if (kind === 'equal') return
  console.log(`${kind}: ${name}${reason === undefined ? '' : ` (${reason})`}`)
  if (kind === 'known difference' || kind === 'no longer different') return
  const first = expected.findIndex((line, index) => line !== actual[index])
  const same = first < 0 ? Math.min(expected.length, actual.length) : first
  if (same > 0) console.log(`      ${expected[same - 1]}`)
  for (const line of expected.slice(same)) console.log(`  node ${line}`)
  for (const line of actual.slice(same)) console.log(`  this ${line}`)
}

function printJson(outcome: Outcome): void {
  console.log(JSON.stringify(outcome))
}

function load(name: string): Subject {
  const path = name.startsWith('.') || existsSync(name) ? resolve(name) : name
  const known = loaded.get(path)
  if (known !== undefined) return known
  const module = require(path) as Dgram & { default?: Dgram }
  const subject = { path, exports: module.createSocket === undefined ? (module.default as Dgram) : module }
  loaded.set(path, subject)
  return subject
}

const loaded = new Map<string, Subject>()

main().then((status) => {
  process.exit(status)
})
