import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * Returns the path of a program of `programs/` as JavaScript. Everything is compiled once for the tests of one file: a
 * child then starts ten times faster than with the compiler.
 */
export function compiledProgram(name: string): string {
  compiled ??= compile()
  return join(compiled, 'test/support/programs', `${name}.js`)
}

function compile(): string {
  // Inside the package, so that its dependencies are found.
  const parent = join(PACKAGE_ROOT, '.tap')
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'programs-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  for (const folder of ['src', 'test/support']) {
    for (const file of readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.ts')) compileFile(join(PACKAGE_ROOT, folder, file), join(directory, folder, file))
    }
  }
  return directory
}

function compileFile(from: string, to: string): void {
  const { outputText } = ts.transpileModule(readFileSync(from, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true },
  })
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to.replace(/\.ts$/, '.js'), outputText)
}

const PACKAGE_ROOT = join(__dirname, '..', '..')

let compiled: string | undefined
