import yargs from 'yargs'
import type { Family } from '../../../src/index.js'
import { PLANTS, type Plant } from '../traffic/plant.js'

/** Options of the command line. */
export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly families: readonly Family[]
  readonly faults: boolean
  readonly namespaces: boolean
  /** A file for the picture (SVG). */
  readonly plot: string | undefined
  /** A file for all counts. */
  readonly json: string | undefined
  readonly plant: readonly Plant[]
}

/** Parses the command line; `--help` and mistakes print and end the process. */
export function parseOptions(words: readonly string[]): SoakOptions {
  return yargs([...words])
    .scriptName('soak')
    .usage(
      '$0 [options]\n\nSends numbered datagrams in every way that the library has, in both directions, while sockets, links, ' +
        'workers and memory fail. Exits with 1 unless every datagram is accounted for, and memory and descriptors stay.',
    )
    .options({
      minutes: { type: 'number', default: 10, describe: 'duration; fractions are allowed' },
      seed: { type: 'number', default: Date.now() % 1e6, defaultDescription: 'random', describe: 'random seed' },
      families: { array: true, choices: FAMILIES, default: FAMILIES, describe: 'address families' },
      faults: { type: 'boolean', default: true, describe: 'let things fail; --no-faults for traffic alone' },
      namespaces: { type: 'boolean', default: true, describe: 'use network namespaces, as root' },
      plot: { type: 'string', requiresArg: true, describe: 'write a picture of the run to this file (SVG)' },
      json: { type: 'string', requiresArg: true, describe: 'write all counts and samples to this file' },
      plant: {
        array: true,
        choices: PLANTS,
        default: [] as Plant[],
        hidden: true,
        describe: 'spoil the traffic, to test that it is noticed',
      },
    })
    .check(({ minutes }) => {
      if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not ${minutes}`)
      return true
    })
    .example('$0 --minutes 1 --plot soak.svg', 'one minute, and a picture')
    .version(false)
    .detectLocale(false)
    .wrap(110)
    .strict()
    .parseSync()
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
