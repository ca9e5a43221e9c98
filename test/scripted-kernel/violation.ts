/** A broken invariant: the library showed the kernel, or returned to the caller, what it must not. */
export class Violation extends Error {
  static {
    Violation.prototype.name = 'Violation'
  }
}

/** Throws a `Violation` unless the condition holds. */
export function expect(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(message())
}
