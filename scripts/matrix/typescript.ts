import { join } from 'node:path'
import { type Cell, expectExchange } from './cell.js'
import { asUser, createProject, exchangeInTypeScript } from './project.js'
import { succeed } from './run.js'

const COMPILERS = ['5.4', '5.9', '6']

/** How the compiler finds the package: each value of `moduleResolution`, with a `module` that allows it. */
const RESOLUTIONS = { node16: 'node16', nodenext: 'nodenext', bundler: 'es2022' } as const

/**
 * A TypeScript project per compiler and resolution: the type tests compile, and the program that sends and receives runs,
 * in both module formats where the resolution has both.
 */
export const TYPESCRIPT: readonly Cell[] = COMPILERS.flatMap((compiler) =>
  Object.entries(RESOLUTIONS).map(([moduleResolution, module]) => ({
    name: `typescript-${compiler}-${moduleResolution}`,
    run: async (folder, tarball) => {
      const hasCommonJs = moduleResolution !== 'bundler'
      const compilerOptions = { ...STRICT, module, moduleResolution, types: ['node'], outDir: 'built', rootDir: '.' }
      await createProject(folder, tarball, {
        manifest: { type: 'module' },
        packages: [`typescript@${compiler}`, '@types/node@20'],
        files: {
          'tsconfig.json': JSON.stringify({ compilerOptions }),
          'types.ts': `${asUser('test/types/public.ts')}${INTERNAL}`,
          ...exchangeInTypeScript('ts'),
          ...(hasCommonJs ? exchangeInTypeScript('cts') : {}),
        },
      })
      const tsc = join(folder, 'node_modules/.bin/tsc')
      const version = (await succeed(tsc, ['--version'], { cwd: folder })).replace('Version', '').trim()
      await succeed(tsc, [], { cwd: folder })
      const programs = ['built/main.js', ...(hasCommonJs ? ['built/main.cjs'] : [])]
      for (const program of programs) expectExchange(await succeed('node', [program], { cwd: folder }))
      return `TypeScript ${version}, ${moduleResolution}: compiles, and ${programs.length} programs send and receive`
    },
  })),
)

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: 'es2022',
}

/** Only the published types lack what is marked as internal. */
const INTERNAL = `
// @ts-expect-error: internal
export const slots = new SendBatch().slots
`
