import { parseArgs } from 'node:util'

/** Options of the command line. */
export interface Options {
  readonly times: number
  readonly mainTimes: number
  readonly nodes: readonly string[]
  readonly only: readonly string[]
  readonly jobs: number
  readonly atOnce: number
  readonly share: boolean
  readonly json: string | undefined
  readonly help: boolean
}

export const USAGE = `usage: npx ts-node test/ends/run.ts [options]

Ends worker threads and processes at every kind of moment, and checks that nothing else suffers.

  --times N       how often each case ends (default 300)
  --main-times N  how often, for the cases of the main thread: each is a process (default: as --times)
  --node PATH     node to run the cases with (default: the one that runs this); repeat it for several
  --only NAME     only cases whose name contains NAME: "worker: idle socket / process.exit", say; repeat it for more
  --jobs N        processes that run at the same time (default 2)
  --at-once N     workers of one process that run at the same time (default 4)
  --share         worker cases share processes: faster where each ends only a few times
  --json PATH     write all results, with memory samples, to this file
  --help          print this`

/** Reads the command line. @throws Error with a message for the user */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: 'string', default: '300' },
      'main-times': { type: 'string' },
      node: { type: 'string', multiple: true, default: [process.execPath] },
      only: { type: 'string', multiple: true, default: [''] },
      jobs: { type: 'string', default: '2' },
      'at-once': { type: 'string', default: '4' },
      share: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    times: positive(values.times, '--times'),
    mainTimes: positive(values['main-times'] ?? values.times, '--main-times'),
    nodes: values.node,
    only: values.only,
    jobs: positive(values.jobs, '--jobs'),
    atOnce: positive(values['at-once'], '--at-once'),
    share: values.share,
    json: values.json,
    help: values.help,
  }
}

function positive(text: string, name: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  throw new Error(`${name} requires a positive integer, not "${text}"`)
}
