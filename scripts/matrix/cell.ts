import { isDeepStrictEqual } from 'node:util'
import type { Exchange } from './programs/exchange.js'

/** One combination that is tried: a runtime, a compiler or a bundler. */
export interface Cell {
  /** Name for `--only`, and in the table. */
  readonly name: string
  /**
   * Runs it in an empty folder.
   *
   * @param tarball - path of the packed library
   * @returns what was seen
   * @throws NotRun if the machine lacks something
   * @throws Error if the library fails
   */
  run(folder: string, tarball: string): Promise<string>
}

/** Reason why a cell cannot be run here. */
export class NotRun extends Error {}

/** Result of programs/main.ts where everything works. */
export const WORKS: Exchange = { texts: ['one', 'two'], segments: 3, waits: 6, dropIn: 'hi', isBatching: true }

/** Throws if programs/main.ts has printed anything but this result. */
export function expectExchange(stdout: string, expected: Exchange = WORKS): void {
  const found: unknown = JSON.parse(stdout)
  if (!isDeepStrictEqual(found, expected)) throw new Error(`printed ${stdout}expected ${JSON.stringify(expected)}`)
}
