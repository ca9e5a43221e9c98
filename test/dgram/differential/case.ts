import type { Trial } from './trial.js'

/** One behaviour. What the case observes is written down, and must be the same for every module. */
export interface Case {
  readonly name: string
  readonly run: (t: Trial) => unknown
}

/** Returns the cases of a theme, with their full names. */
export function cases(theme: string, table: Readonly<Record<string, (t: Trial) => unknown>>): Case[] {
  return Object.entries(table).map(([name, run]) => ({
    name: `${theme}: ${name}`,
    // An async function, so that an exception becomes a rejection.
    run: async (t) => run(t),
  }))
}

/** True from the given version of Node on. */
export function isSince(version: string): boolean {
  return process.versions.node.localeCompare(version, 'en', { numeric: true }) >= 0
}
