import { type Cell, expectExchange } from './cell.js'
import { createProject, exchangeInJavaScript } from './project.js'
import { type Outcome, run, succeed } from './run.js'

/** The line that programs/main.ts prints. */
const RESULT = /^.*(\{"texts":.*\})$/m

const jest: Cell = {
  name: 'jest',
  run: async (folder, tarball) => {
    await createProject(folder, tarball, {
      packages: ['jest@30'],
      files: {
        ...exchangeInJavaScript('cjs'),
        'main.test.js': `
          const { exchange } = require('./exchange.cjs')
          // Jest replaces Function and Object, but not Uint8Array; a browser-like environment does.
          globalThis.Uint8Array = require('node:vm').runInNewContext('Uint8Array')
          test('realm', () => expect([Buffer instanceof Function, Buffer.alloc(1) instanceof Uint8Array]).toEqual([false, false]))
          test('exchange', async () => process.stdout.write(JSON.stringify(await exchange()) + '\\n'), 30_000)`,
      },
    })
    expectExchange(printed(await run('npx', ['jest'], { cwd: folder })))
    return 'a test sends and receives, with objects and Uint8Arrays of other realms'
  },
}

const vitest: Cell = {
  name: 'vitest',
  run: async (folder, tarball) => {
    await createProject(folder, tarball, {
      packages: ['vitest@5'],
      files: {
        ...exchangeInJavaScript('mjs'),
        'main.test.mjs': `
          import { test } from 'vitest'
          import { exchange } from './exchange.mjs'
          test('exchange', async () => process.stdout.write(JSON.stringify(await exchange()) + '\\n'), 30_000)`,
      },
    })
    for (const pool of ['forks', 'threads']) {
      expectExchange(printed(await run('npx', ['vitest', 'run', '--pool', pool], { cwd: folder })))
    }
    return 'a test sends and receives, in a process and in a worker thread'
  },
}

const worker: Cell = {
  name: 'worker_threads',
  run: async (folder, tarball) => {
    const start = "new (require('node:worker_threads').Worker)('./main.cjs')"
    await createProject(folder, tarball, { files: { ...exchangeInJavaScript('cjs'), 'start.cjs': start } })
    expectExchange(await succeed('node', ['start.cjs'], { cwd: folder }))
    return 'a worker sends and receives'
  },
}

const formats: readonly Cell[] = (['mjs', 'cjs'] as const).map((format) => ({
  name: format === 'mjs' ? 'esm' : 'commonjs',
  run: async (folder, tarball) => {
    await createProject(folder, tarball, { files: exchangeInJavaScript(format) })
    expectExchange(await succeed('node', [`main.${format}`], { cwd: folder }))
    return 'sends and receives'
  },
}))

/** Module formats, and the hosts in which a program can run. */
export const HOSTS: readonly Cell[] = [...formats, jest, vitest, worker]

function printed({ status, stdout, stderr }: Outcome): string {
  const [, result] = RESULT.exec(stdout) ?? []
  if (status !== 0 || result === undefined) throw new Error(`ended with ${status}\n${stdout}${stderr}`)
  return `${result}\n`
}
