import { parseCommandLine } from '../cli/parse-command-line.js'
import { MEASURING_OPTIONS } from './values.js'

/** @throws UsageError */
export function parseProbeOptions(words: readonly string[]) {
  return parseCommandLine(
    {
      name: 'probe',
      usage: 'Tries over loopback what this kernel and machine support, in well under a second.',
      options: {
        interface: {
          parse: (text: string) => text,
          describe: 'NAME of an interface to send a short GSO send over as well',
        },
        json: MEASURING_OPTIONS.json,
      },
      examples: [
        ['$0', 'what is supported'],
        ['$0 --interface eth0 --json', 'and whether GSO works over eth0, as JSON'],
      ],
    },
    words,
  )
}
