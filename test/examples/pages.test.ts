import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { format } from 'node:util'
import t from 'tap'
import ts from 'typescript'
import * as dgram from '../../src/dgram/index.js'
import * as library from '../../src/index.js'

// The examples of these pages run as they are, and print what is written behind or below each console.log.

const DOCS = join(__dirname, '..', '..', 'docs')
const PAGES = ['api.md', 'from-node-dgram.md', 'monitoring.md', 'receiving-fast.md']
const PACKAGE: Record<string, unknown> = { batchconn: library, 'batchconn/dgram': dgram }

interface Snippet {
  readonly line: number
  readonly code: string
}

function readPage(name: string): string {
  return readFileSync(join(DOCS, name), 'utf8')
}

function snippets(page: string): Snippet[] {
  return Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ({ 1: code, index }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    code,
  }))
}

/** Returns the lines a snippet should print: comments behind a `console.log`, and whole lines of comment. A `…` at the end of a line stands for the rest. */
function expectedLines(code: string): string[] {
  return Array.from(code.matchAll(/^(?:\/\/ |.*console\.log\(.*\) \/\/ )(.*)$/gm), ([, text]) => text)
}

/** Runs a snippet, with the library in place of the package, and returns what it printed. */
async function printedLines(code: string): Promise<string[]> {
  const lines: string[] = []
  const console = { log: (...values: unknown[]) => lines.push(format(...values)) }
  const load = (name: string) => PACKAGE[name] ?? createRequire(join(DOCS, 'page.js'))(name)
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true }
  const { outputText } = ts.transpileModule(code, { compilerOptions })
  // What the snippet imports by itself becomes a declaration, which may not meet a parameter of that name.
  const given = code.includes('import ') ? {} : library
  const body = `return (async () => { ${outputText} })()`
  await new Function('require', 'exports', 'console', ...Object.keys(given), body)(
    load,
    {},
    console,
    ...Object.values(given),
  )
  return lines
}

// The examples print what they do where no feature is disabled.
delete process.env.BATCHCONN_NO_GSO
delete process.env.BATCHCONN_NO_GRO
delete process.env.BATCHCONN_NO_ZEROCOPY

for (const name of PAGES) {
  const examples = snippets(readPage(name))
  t.ok(examples.length > 0, `${name} has examples`)
  for (const { line, code } of examples) {
    t.test(`${name}, the example at line ${line}`, async (t) => {
      const expected = expectedLines(code)
      const lines = await printedLines(code)
      const isOpen = (index: number) => expected[index]?.endsWith('…')
      const seen = lines.map((text, index) => (isOpen(index) ? `${text.slice(0, expected[index].length - 1)}…` : text))
      t.strictSame(seen, expected)
    })
  }
}

t.test('every exported name is in api.md', async (t) => {
  const page = readPage('api.md')
  const index = readFileSync(join(__dirname, '..', '..', 'src', 'index.ts'), 'utf8')
  const names = Array.from(index.matchAll(/{(.*?)}/g), ([, list]) => list.split(',')).flat()
  t.ok(names.length > 20)
  for (const name of names.map((text) => text.replace('type ', '').trim())) {
    t.match(page, new RegExp(`\\b${name}\\b`), name)
  }
})
