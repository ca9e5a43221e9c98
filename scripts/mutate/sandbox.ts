import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import ts from 'typescript'
import type { Mutant } from './mutants.js'

/** Milliseconds after which a test file counts as failed. */
const TIMEOUT_MS = 20_000

/**
 * Test files that are not run: they start ts-node on files outside the copy, take more than about 10 s, or measure
 * memory.
 */
const LEFT_OUT = [/^dgram\/differential\.test/, /^dgram\/packages\.test/, /^batch\/allocation\.test/]

/** A compiled copy of the sources and the tests, in which one mutant at a time is tried. */
export class Sandbox {
  readonly #root: string
  readonly #directory: string

  /** @param root - the package's folder */
  constructor(root: string) {
    const parent = join(root, 'node_modules/.cache')
    mkdirSync(parent, { recursive: true })
    this.#root = root
    this.#directory = mkdtempSync(join(parent, 'mutate-'))
    process.once('exit', () => this.remove())
    for (const folder of ['src', 'test', 'examples']) {
      for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
        if (file.endsWith('.ts')) this.#write(join(folder, file), readFileSync(join(root, folder, file), 'utf8'))
      }
    }
    for (const [file, text] of Object.entries(REPLACED)) writeFileSync(join(this.#directory, file), text)
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Test files for a source file, the most specific first. */
  testsFor(file: string): string[] {
    const [folder] = file.split('/')
    const own = (test: string) => test.startsWith(`${folder}/${basename(file, '.ts')}.`)
    const inFolder = this.#tests(folder)
    const scripted = existsSync(join(this.#directory, 'test/scripted-kernel/suites.js')) ? [SCRIPTED_KERNEL] : []
    const others = [...inFolder.filter((test) => !own(test)), ...this.#tests('regressions'), ...this.#tests('kernel')]
    return [...inFolder.filter(own), ...others, ...scripted]
  }

  /** Writes the mutated file. @returns false if it has a syntax error */
  apply({ file, start, end, mutated }: Mutant): boolean {
    const text = readFileSync(join(this.#root, 'src', file), 'utf8')
    return this.#write(join('src', file), text.slice(0, start) + mutated + text.slice(end))
  }

  restore(file: string): void {
    this.#write(join('src', file), readFileSync(join(this.#root, 'src', file), 'utf8'))
  }

  /** Runs one test file. @returns undefined if it passed, otherwise the reason */
  run(test: string): Promise<string | undefined> {
    const args = ['-n', '10', process.execPath, '--require', './no-strace.js', `test/${test}`]
    const env = { ...process.env, TAP_BAIL: '1', NODE_OPTIONS: '' }
    const stdio = ['ignore', 'pipe', 'ignore'] as const
    const child = spawn('nice', args, { cwd: this.#directory, env, detached: true, stdio: [...stdio] })
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      if (output.length < 1_000_000) output += text
    })
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        // Kill the whole process group: a test can have started child processes.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      }, TIMEOUT_MS)
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        const why = /not ok .*/.exec(output)?.[0] ?? `ended with ${code ?? signal}`
        resolve(isLate ? 'timeout' : code === 0 ? undefined : why)
      })
    })
  }

  #tests(folder: string): string[] {
    const files = readdirSync(join(this.#root, 'test', folder)).map((name) => `${folder}/${name}`)
    const tests = files.filter((file) => file.endsWith('.test.ts') && !LEFT_OUT.some((pattern) => pattern.test(file)))
    return tests.map((file) => file.replace(/\.ts$/, '.js'))
  }

  #write(file: string, text: string): boolean {
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true }
    const { outputText, diagnostics } = ts.transpileModule(text, { compilerOptions, reportDiagnostics: true })
    const to = join(this.#directory, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(to), { recursive: true })
    // Tests start programs of test/support/programs by file name, which ends in `.js` in the copy.
    writeFileSync(to, outputText.replace(/(support\/programs\/[\w-]+)\.ts'/g, "$1.js'"))
    return diagnostics === undefined || diagnostics.length === 0
  }
}

const SCRIPTED_KERNEL = 'scripted-kernel/few-cases.js'

/** Files of the copy whose content differs from the working tree. */
const REPLACED = {
  // The copy is JavaScript. With swc a second worker would crash: its addon cannot be loaded again after its first worker.
  'tsconfig.json': '{ "ts-node": { "transpileOnly": true } }',
  'test/support/compiled.js': `const { join } = require('node:path')
exports.compiledPackage = () => join(__dirname, '../..')
exports.compiledProgram = (name) => join(__dirname, 'programs', name + '.js')`,
  'test/support/two-hosts.js': `exports.twoHosts = () => 'left out of mutation tests'
exports.HOST_A = exports.HOST_B = exports.SINK = {}`,
  // Tests with strace are slow, and skip themselves without it.
  'no-strace.js': `const child = require('node:child_process')
const { spawnSync } = child
child.spawnSync = (name, ...rest) => (name === 'strace' ? { status: 1, error: new Error('left out') } : spawnSync(name, ...rest))`,
  [`test/${SCRIPTED_KERNEL}`]: `const { SUITES, runSuite } = require('./suites.js')
const CASES = { send: 1000, receive: 1000, sendAll: 20 }
async function main() {
  for (const suite of SUITES) {
    const { violation } = await runSuite(suite, { cases: CASES[suite.name], seed: 1, timeLimitMs: 8000 })
    if (violation !== undefined) process.exit(1)
  }
}
main()`,
}
