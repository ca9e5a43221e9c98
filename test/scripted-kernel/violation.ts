/** A broken invariant: the library passed invalid data to the kernel, or returned a wrong result to the caller. */
export class Violation extends Error {
  static {
    Violation.prototype.name = 'Violation'
  }
}

/** Throws a `Violation` unless the condition holds. */
export function expect(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(message())
}
