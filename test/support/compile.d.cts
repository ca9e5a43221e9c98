/** Compiles a TypeScript file of this package, or copies another one, if that is not done yet. Returns the output's path. */
export function compileFile(source: string): string

/**
 * Compiles the package, its tests and benchmarks, as far as that is not done yet. Returns the folder, which has the
 * structure of the package.
 */
export function compileAll(): string
