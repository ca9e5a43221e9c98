import type { Test } from 'tap'

/** A wrong use, and the expected error. */
export interface Misuse {
  /** Description of the wrong use, as the name of the assertion. */
  readonly what: string
  readonly act: () => unknown
  readonly type: typeof TypeError | typeof RangeError
  readonly code: string
  /** Complete message, or a pattern that it must match. */
  readonly message: string | RegExp
}

/** Checks that each act throws exactly the expected error. */
export function rejects(t: Test, table: readonly Misuse[]): void {
  for (const row of table) rejectsOne(t, row)
}

function rejectsOne(t: Test, { what, act, type, code, message }: Misuse): void {
  let error: unknown
  try {
    act()
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof Error)) {
    t.fail(`${what}: nothing was thrown`)
    return
  }
  t.equal(Object.getPrototypeOf(error), type.prototype, `${what}: the type of error`)
  t.equal((error as Error & { code?: string }).code, code, `${what}: the code`)
  if (typeof message === 'string') t.equal(error.message, message, `${what}: the message`)
  else t.match(error.message, message, `${what}: the message`)
}
