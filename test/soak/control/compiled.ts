import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type ts from 'typescript'

/**
 * Compiles the soak and the library, and returns the folder of the soak's programs. Processes with traffic must not
 * load the compiler, because that would count as their memory. The files are removed when this process ends. When this
 * file is itself compiled, nothing is left to compile.
 */
export function compiledSoak(): string {
  if (__filename.endsWith('.js')) return join(__dirname, '..', 'traffic')
  // Below node_modules, so that koffi is found.
  const cache = join(ROOT, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const target = mkdtempSync(join(cache, 'batchconn-soak-'))
  process.once('exit', () => rmSync(target, { recursive: true, force: true }))
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ts')) compile(join(folder, name), target)
    }
  }
  for (const file of FILES) compile(file, target)
  symlinkSync(join(ROOT, 'scripts'), join(target, 'scripts'))
  return join(target, 'test', 'soak', 'traffic')
}

function compile(path: string, target: string): void {
  // Loaded here only: a compiled soak starts ten times faster without the compiler.
  const { transpileModule, ModuleKind, ScriptTarget } = require('typescript') as typeof ts
  const { outputText } = transpileModule(readFileSync(join(ROOT, path), 'utf8'), {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true },
  })
  const output = join(target, path.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, outputText)
}

const ROOT = join(__dirname, '..', '..', '..')

const FOLDERS = ['src', 'test/soak']

const FILES = [
  'test/soak.ts',
  'test/support/two-hosts.ts',
  'bench/report/table.ts',
  'bench/report/canvas.ts',
  'bench/stats/random.ts',
  'bench/traffic/sequence-window.ts',
]
