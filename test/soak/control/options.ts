import yargs from 'yargs'
import type { Family } from '../../../src/index.js'
import { INJECTABLE_FAULTS, type InjectedFault } from '../traffic/injected-faults.js'

/** Options of the command line. */
export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly families: readonly Family[]
  readonly faults: boolean
  readonly namespaces: boolean
  /** File for the chart (SVG). */
  readonly plot: string | undefined
  /** File for all counts and samples. */
  readonly json: string | undefined
  readonly inject: readonly InjectedFault[]
}

/** Parses the command line. `--help` and errors print a message and end the process. */
export function parseOptions(words: readonly string[]): SoakOptions {
  return yargs([...words])
    .scriptName('soak')
    .usage(
      '$0 [options]\n\nSends numbered datagrams by every send method of the library, in both directions, while ' +
        'sockets, links, workers and memory fail. Exits with 1 unless every datagram is accounted for, and memory and ' +
        'descriptors do not grow.',
    )
    .options({
      minutes: { type: 'number', default: 10, describe: 'duration; fractions are allowed' },
      seed: { type: 'number', default: Date.now() % 1e6, defaultDescription: 'random', describe: 'random seed' },
      families: { array: true, choices: FAMILIES, default: FAMILIES, describe: 'address families' },
      faults: { type: 'boolean', default: true, describe: 'make faults happen; --no-faults for traffic only' },
      namespaces: { type: 'boolean', default: true, describe: 'use network namespaces, as root' },
      plot: { type: 'string', requiresArg: true, describe: 'write a chart of the run to this file (SVG)' },
      json: { type: 'string', requiresArg: true, describe: 'write all counts and samples to this file' },
      inject: {
        array: true,
        choices: INJECTABLE_FAULTS,
        default: [] as InjectedFault[],
        hidden: true,
        describe: 'inject faults, to test that they are detected',
      },
    })
    .check(({ minutes }) => {
      if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not ${minutes}`)
      return true
    })
    .example('$0 --minutes 1 --plot soak.svg', 'one minute, with a chart')
    .version(false)
    .detectLocale(false)
    .wrap(110)
    .strict()
    .parseSync()
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
