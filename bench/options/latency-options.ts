import { parseCommandLine } from '../cli/parse-command-line.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import { TRAFFIC } from './throughput-options.js'
import { CSV_OPTION, choices, integer, MEASURING_OPTIONS, oneFormat, randomSeed, rate, word } from './values.js'

const LATENCY_MODES = ['sendmsg', 'sendmmsg', 'dgram', 'batchconn-dgram'] as const
export type LatencyMode = (typeof LATENCY_MODES)[number]

const LATENCY = {
  name: 'latency',
  usage: 'Sends requests at a rate, each answered by the receiver, and reports the distribution of the latency.',
  options: {
    modes: {
      name: 'mode',
      parse: choices(LATENCY_MODES),
      default: LATENCY_MODES.join(','),
      describe: `how to send requests, a list of ${LATENCY_MODES.join(', ')}`,
    },
    to: TRAFFIC.to,
    sizeBytes: {
      ...TRAFFIC.sizeBytes,
      parse: integer(HEADER_BYTES, 1472),
      default: '64',
      describe: `bytes of payload per datagram, ${HEADER_BYTES} to 1472`,
    },
    rate: { parse: word, alias: 'b', default: '10k', describe: 'requests (10k) or bits (10M) per second' },
    batch: { ...TRAFFIC.batch, describe: 'most requests per system call, if as many are due, 1 to 1024' },
    durationSeconds: TRAFFIC.durationSeconds,
    rounds: { ...TRAFFIC.rounds, describe: 'rounds per mode, interleaved in random order' },
    omitSeconds: TRAFFIC.omitSeconds,
    bind: TRAFFIC.bind,
    token: TRAFFIC.token,
    ...MEASURING_OPTIONS,
    csv: CSV_OPTION,
  },
  examples: [
    ['$0', '10,000 requests per second, over loopback'],
    ['$0 --to 192.0.2.7 --rate 50k --mode sendmsg,dgram', 'to bench/recv.ts on another host'],
  ],
} as const

/** What `latency` measures. */
export type LatencyPlan = ReturnType<typeof parseLatencyOptions>

/** @throws UsageError */
export function parseLatencyOptions(words: readonly string[]) {
  const { rate: rateText, seed = randomSeed(), ...rest } = oneFormat(parseCommandLine(LATENCY, words))
  return {
    ...rest,
    seed,
    packetsPerSecond: rate(rateText, 'rate', rest.sizeBytes),
    token: rest.token ?? process.env.BATCHCONN_TOKEN,
  }
}
