import { parseArgs } from 'node:util'

/** Options of the command line. */
export interface Options {
  readonly cases: number
  readonly seed: number | undefined
  readonly only: string
  readonly path: string | undefined
  readonly help: boolean
}

export const USAGE = `usage: npx ts-node test/scripted-kernel/run.ts [options]

Sends and receives over a scripted kernel, in random cases, and checks what the library shows it and returns.
Ends with status 1 at the first violation, and prints the shrunk counterexample.

  --cases N    number of cases (default 100000)
  --seed N     random seed; reuse it to run the same cases again (default: random)
  --only NAME  one suite only: send, receive or sendAll
  --path P     with --seed and --only: the path printed with a counterexample, to run that one again
  --help       print this`

/** Reads the command line. @throws Error with a message for the user */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      only: { type: 'string', default: '' },
      path: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const seed = values.seed === undefined ? undefined : Number(values.seed)
  if (seed !== undefined && !Number.isInteger(seed)) throw new Error(`--seed requires an integer, not "${values.seed}"`)
  const cases = Number(values.cases)
  if (!Number.isInteger(cases) || cases < 1)
    throw new Error(`--cases requires a positive integer, not "${values.cases}"`)
  if (values.path !== undefined && (seed === undefined || values.only === '')) {
    throw new Error('--path requires --seed and --only')
  }
  return { cases, seed, only: values.only, path: values.path, help: values.help }
}
