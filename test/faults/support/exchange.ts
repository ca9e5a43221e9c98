import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import type { ChildResult } from '../../support/child.js'

/** Output of the program faults-exchange. */
export interface Exchange {
  readonly single: Outcome
  readonly batched: Outcome
  readonly gso: Outcome
  readonly dropIn: Outcome & { readonly errors: number }
  readonly uncaught: number
}

interface Outcome {
  readonly sent: number
  readonly failed: number
  readonly received: number
  readonly isExact: boolean
}

/** Asserts that everything that faults-exchange sent arrived, once, and that no error was reported. */
export function checkExchange(t: Test, { code, signal, timedOut, stdout, stderr }: ChildResult): void {
  t.same({ code, signal, timedOut, stderr }, { code: 0, signal: null, timedOut: false, stderr: '' })
  if (code !== 0) return
  const all = { sent: 300, failed: 0, received: 300, isExact: true }
  const expected: Exchange = { single: all, batched: all, gso: all, dropIn: { ...all, errors: 0 }, uncaught: 0 }
  t.strictSame(JSON.parse(stdout), expected)
}

/** False if a command is installed, otherwise the reason to skip a test. */
export function missing(command: string, ...args: string[]): string | false {
  return spawnSync(command, args).status === 0 ? false : `needs ${command}`
}
