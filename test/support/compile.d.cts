/** Compiles a TypeScript file, or copies another file, if the output is out of date. Returns the output's path. */
export function compileFile(source: string): string

/**
 * Compiles the package, its tests and benchmarks, as far as the output is out of date. Returns the output's folder, which
 * has the structure of the repository.
 */
export function compileAll(): string
