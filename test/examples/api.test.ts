import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { format } from 'node:util'
import t from 'tap'
import ts from 'typescript'
import * as library from '../../src/index.js'

// docs/api.md says that its examples run as they stand and print what is written behind or below each console.log.

const PAGE = join(__dirname, '..', '..', 'docs', 'api.md')

interface Snippet {
  readonly line: number
  readonly code: string
}

function snippets(page: string): Snippet[] {
  return Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ({ 1: code, index }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    code,
  }))
}

/** What a snippet is to print: comments behind a `console.log`, and whole lines of comment. A `…` at its end stands for the rest. */
function promised(code: string): string[] {
  return Array.from(code.matchAll(/^(?:\/\/ |.*console\.log\(.*\) \/\/ )(.*)$/gm), ([, text]) => text)
}

/** Runs a snippet, with the library in place of the package. */
async function printed(code: string): Promise<string[]> {
  const lines: string[] = []
  const console = { log: (...values: unknown[]) => lines.push(format(...values)) }
  const load = (name: string) => (name === 'batchconn' ? library : createRequire(PAGE)(name))
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS }
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

// The examples say what is printed where nothing is switched off.
delete process.env.BATCHCONN_NO_GSO
delete process.env.BATCHCONN_NO_GRO

const page = readFileSync(PAGE, 'utf8')

for (const { line, code } of snippets(page)) {
  t.test(`the example at line ${line}`, async (t) => {
    const expected = promised(code)
    const lines = await printed(code)
    const isOpen = (index: number) => expected[index]?.endsWith('…')
    const seen = lines.map((text, index) => (isOpen(index) ? `${text.slice(0, expected[index].length - 1)}…` : text))
    t.strictSame(seen, expected)
  })
}

t.test('every name that is exported is on the page', async (t) => {
  const index = readFileSync(join(__dirname, '..', '..', 'src', 'index.ts'), 'utf8')
  const names = Array.from(index.matchAll(/{(.*?)}/g), ([, list]) => list.split(',')).flat()
  t.ok(names.length > 20)
  for (const name of names.map((text) => text.replace('type ', '').trim())) {
    t.match(page, new RegExp(`\\b${name}\\b`), name)
  }
})
