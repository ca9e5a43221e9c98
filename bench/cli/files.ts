import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Failure } from './run-command.js'

export function readText(file: string): string {
  return orFail('read', file, () => readFileSync(file, 'utf8'))
}

/** Parses the text of a file. @throws Failure if it is not JSON */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Failure(`${file} is not JSON`)
  }
}

export function writeText(file: string, text: string): void {
  orFail('write', file, () => writeFileSync(file, text))
}

/** Checks before a long measurement that a file can be written at its end. @throws Failure */
export function checkWritable(file: string): void {
  orFail('write', file, () => {
    if (!existsSync(file)) return accessSync(dirname(file), constants.W_OK)
    if (statSync(file).isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' })
    accessSync(file, constants.W_OK)
  })
}

function orFail<T>(verb: string, file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Failure(`cannot ${verb} ${file} (${(error as NodeJS.ErrnoException).code})`)
  }
}
