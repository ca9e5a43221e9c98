import type { Trial } from './trial.js'

/** One behaviour: what it does with the module is written down, and must be the same on every module. */
export interface Case {
  readonly name: string
  readonly run: (t: Trial) => unknown
}

/** Names the cases of a theme. */
export function cases(theme: string, table: Readonly<Record<string, (t: Trial) => unknown>>): Case[] {
  return Object.entries(table).map(([name, run]) => ({
    name: `${theme}: ${name}`,
    // Whatever it throws becomes a rejection.
    run: async (t) => run(t),
  }))
}

/** True from a version of Node on. */
export function isSince(version: string): boolean {
  return process.versions.node.localeCompare(version, 'en', { numeric: true }) >= 0
}
