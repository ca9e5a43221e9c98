import { join } from 'node:path'
import { compileAll } from './compile.cjs'

/**
 * Folder with the package, its tests and benchmarks as JavaScript, in the structure of the repository. A process then
 * starts ten times faster than with the compiler, and has no memory and no handles of the compiler.
 */
export function compiledPackage(): string {
  folder ??= compileAll()
  return folder
}

/** Path of a program of `programs/` as JavaScript. */
export function compiledProgram(name: string): string {
  return join(compiledPackage(), 'test/support/programs', `${name}.js`)
}

let folder: string | undefined
