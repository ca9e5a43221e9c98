import { flag, option, type Parsed, parseCommandLine } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import { gsoSegments, MAX_PAYLOAD_BYTES, PEER_MODES, RECEIVE_MODES, SEND_MODES } from '../traffic/modes.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import {
  checkSpread,
  choice,
  choices,
  DEFAULT_PORT,
  hostPort,
  integer,
  listenAt,
  MEASURING,
  oneFormat,
  randomSeed,
  rate,
  SPREAD,
  seconds,
  token,
  within,
  word,
} from './values.js'

/** Maximum for sendmmsg and recvmmsg (UIO_MAXIOV). */
const MAX_BATCH = 1024
/** UDP_MAX_SEGMENTS since Linux 6.9; 64 before. */
const MAX_SEGMENTS = 128
const MAX_SECONDS = 86_400
/** As many senders as a receiver serves. */
const MAX_STREAMS = 64
/** Programs in other languages that can take part. `c-copying` is the C program in the same mode without zero-copy. */
const PEER_NAMES = ['c', 'c-copying', 'go'] as const
export type PeerName = (typeof PEER_NAMES)[number]
const LATENCY_MODES = ['sendmsg', 'sendmmsg', 'dgram', 'batchconn-dgram'] as const
export type LatencyMode = (typeof LATENCY_MODES)[number]

/** The options of a command that measures with a receiver. The letters are iperf3's where the meaning is the same. */
const WITH_RECEIVER = {
  to: option('to c', hostPort(1), 'receiver; default: start one on this host'),
  durationSeconds: option('duration t', seconds(0.01, MAX_SECONDS), 'seconds per round', '1'),
  rounds: option('rounds', integer(1, 10_000), 'rounds per candidate, interleaved in random order', '5'),
  omitSeconds: option('omit O', seconds(0, MAX_SECONDS), 'seconds of warm-up, not reported', '0.3'),
  bind: option('bind B', hostPort(1, 0), 'source address'),
  token: option('token', token, "the receiver's shared secret; default: the variable BATCHCONN_TOKEN"),
  ...MEASURING,
} as const

const TRAFFIC = {
  modes: option('mode', choices(SEND_MODES), 'how to send; ratios refer to the first', 'sendmsg,sendmmsg,gso'),
  sizeBytes: option('size l', integer(1, MAX_PAYLOAD_BYTES), 'bytes of payload per datagram', '1400'),
  batch: option('batch', integer(1, MAX_BATCH), 'messages per system call', '64'),
  segments: option('segments', integer(1, MAX_SEGMENTS), 'datagrams per GSO send, together at most 65507 bytes', '40'),
  buffers: option('buffers', integer(1, 4096), 'payload buffers that modes with gso use in turn', '1'),
  ...SPREAD,
  connect: flag('connect', 'connect the socket; otherwise each message carries its destination'),
  prepare: option('prepare', choice(['once', 'batch']), 'build the headers once, or again for each batch', 'once'),
  rate: option('rate b', word, 'packets (200k) or bits (1G) per second; default: unlimited'),
  burstMs: option(
    'burst-ms',
    within('a number of milliseconds', /^(\d+(?:\.\d+)?)$/, 0.01, 1000),
    'with --rate: milliseconds whose packets may leave at once',
    '1',
  ),
  control: flag('control', 'the receiver reports what arrived; --no-control sends without a receiver', true),
  intervalSeconds: option('interval i', seconds(0, MAX_SECONDS), 'seconds between reports in a round; 0 for none', '1'),
  peers: option('peers', choices(PEER_NAMES), 'also programs in other languages'),
  ...WITH_RECEIVER,
} as const

export const SEND = {
  name: 'send',
  usage: 'Sends UDP datagrams in several modes, in turn, and reports what each costs.',
  options: {
    ...TRAFFIC,
    parallel: option('parallel P', integer(1, MAX_STREAMS), 'streams at a time, each with a thread and a --rate', '1'),
  },
  examples: [
    ['', 'sendmsg, sendmmsg and GSO over loopback, to a receiver that it starts'],
    ['--mode dgram,batchconn-dgram,sendmmsg', 'node:dgram, its drop-in, and the batches underneath'],
    ['--to 192.0.2.7:5211 --json', 'to recv on another host, as JSON'],
    ['--to [2001:db8::7]:9 --no-control', 'to an address without a receiver'],
    ['--to 10.83.1.2:9 --no-control --destinations 32 --mode sendmmsg,sendmmsg+coalesce', 'to 32 addresses'],
    ['--rate 200k --size 200', '200,000 packets of 200 bytes per second'],
    ['--parallel 4 --mode sendmmsg', 'four streams at the same time'],
  ],
} as const

/** Short rounds, and many: a ratio gains more from pairs than from the precision of each. */
export const COMPARE = {
  name: 'compare',
  usage: 'Does the same work by batchconn, C, Go and node:dgram, in turn, and reports the ratio of their rates.',
  options: {
    ...TRAFFIC,
    modes: { ...TRAFFIC.modes, preset: 'sendmmsg,dgram' },
    rounds: { ...TRAFFIC.rounds, preset: '15' },
    durationSeconds: { ...TRAFFIC.durationSeconds, preset: '0.3' },
    peers: { ...TRAFFIC.peers, preset: 'c,go' },
  },
  examples: [
    ['', 'against C, Go and node:dgram, over loopback'],
    ['--mode gso,sendmmsg --peers c', 'GSO sends, against those of C and against batches of single datagrams'],
    ['--mode sendmmsg --peers c --to 192.0.2.7:9 --no-control', 'against C alone, without a receiver'],
  ],
} as const

/** What `send` and `compare` measure. Options without a value are undefined. */
export type ThroughputPlan = ReturnType<typeof throughputPlan>

/** @throws UsageError */
export function parseSendOptions(words: readonly string[]): ThroughputPlan {
  return throughputPlan('send', parseCommandLine(SEND, words))
}

/** @throws UsageError */
export function parseCompareOptions(words: readonly string[]): ThroughputPlan {
  return throughputPlan('compare', { ...parseCommandLine(COMPARE, words), parallel: 1 })
}

function throughputPlan(command: 'send' | 'compare', parsed: Parsed<typeof SEND.options>) {
  const { rate: rateText, peers = [], ...rest } = measuringPlan(parsed)
  const [first] = rest.modes
  if (rest.to === undefined && !rest.control) throw new UsageError('--no-control requires --to HOST:PORT')
  if (rest.destinations > 1) {
    if (rest.control || rest.connect || peers.length > 0) {
      throw new UsageError('--destinations requires --no-control, without --connect and --peers')
    }
    checkSpread(rest)
  }
  if (peers.length > 0 && !PEER_MODES.some((mode) => mode === first)) {
    throw new UsageError(`--peers requires a first --mode of ${PEER_MODES.join(' or ')}, not '${first}'`)
  }
  if (rest.parallel > 1 && peers.length > 0) throw new UsageError('--parallel and --peers exclude each other')
  if (rest.parallel > 1 && rest.control && rest.sizeBytes < HEADER_BYTES) {
    throw new UsageError(
      `--parallel requires a --size of at least ${HEADER_BYTES}: smaller datagrams have no stream number`,
    )
  }
  // As requested, or as many as fit.
  const segments = gsoSegments(rest.sizeBytes, rest.segments)
  const packetsPerSecond = rateText === undefined ? undefined : rate(rateText, 'rate', rest.sizeBytes)
  return { ...rest, command, peers, segments, packetsPerSecond }
}

export const LATENCY = {
  name: 'latency',
  usage: 'Sends requests at a rate, each answered by the receiver, and reports the distribution of the latency.',
  options: {
    modes: option('mode', choices(LATENCY_MODES), 'how to send requests', LATENCY_MODES.join(',')),
    sizeBytes: option('size l', integer(HEADER_BYTES, 1472), 'bytes of payload per datagram', '64'),
    rate: option('rate b', word, 'requests (10k) or bits (10M) per second', '10k'),
    batch: { ...TRAFFIC.batch, describe: 'most requests per system call, if as many are due' },
    ...WITH_RECEIVER,
  },
  examples: [
    ['', '10,000 requests per second, over loopback'],
    ['--to 192.0.2.7 --rate 50k --mode sendmsg,dgram', 'to bench/recv.ts on another host'],
  ],
} as const

/** What `latency` measures. */
export type LatencyPlan = ReturnType<typeof parseLatencyOptions>

/** @throws UsageError */
export function parseLatencyOptions(words: readonly string[]) {
  const { rate: rateText, ...rest } = measuringPlan(parseCommandLine(LATENCY, words))
  return { ...rest, packetsPerSecond: rate(rateText, 'rate', rest.sizeBytes) }
}

type Measuring = Pick<Parsed<typeof WITH_RECEIVER>, 'json' | 'csv' | 'seed' | 'token'>

function measuringPlan<T extends Measuring>(parsed: T) {
  const { seed = randomSeed(), token = process.env.BATCHCONN_TOKEN } = oneFormat(parsed)
  return { ...parsed, seed, token }
}

export const RECV = {
  name: 'recv',
  usage: 'Receives what the command send sends, from several senders at the same time, and reports what arrived.',
  options: {
    listen: option('listen p', word, '[HOST:]PORT, for UDP and for the control connection', String(DEFAULT_PORT)),
    mode: option('mode', choice(RECEIVE_MODES), 'how to receive', 'recvmmsg'),
    batch: { ...TRAFFIC.batch, describe: 'datagrams per system call' },
    sizeBytes: option('size l', integer(1, MAX_PAYLOAD_BYTES), 'slot size per datagram in bytes', '2048'),
    durationSeconds: option('duration t', seconds(0.01, MAX_SECONDS), 'seconds to listen; default: until Ctrl-C'),
    intervalSeconds: { ...TRAFFIC.intervalSeconds, describe: 'seconds between progress reports; 0 for none' },
    control: flag('control', 'report to senders over TCP on the same port', true),
    token: option('token', token, 'shared secret that senders must have; default: the variable BATCHCONN_TOKEN'),
    // For a parent process.
    announce: flag('announce', ''),
    json: { ...MEASURING.json, describe: 'print one JSON document at the end' },
    csv: { ...MEASURING.csv, describe: 'print CSV at the end: column names, then one line per stream' },
    quiet: MEASURING.quiet,
  },
  examples: [
    ['', `every address, port ${DEFAULT_PORT}`],
    ['--listen 192.0.2.7:9000 --mode recvmsg', 'one address, one datagram per system call'],
    ['--mode gro', 'coalesced datagrams (GRO), split here'],
    ['--no-control --duration 10 --json', 'count everything that arrives in ten seconds'],
  ],
} as const

export type RecvPlan = ReturnType<typeof parseRecvOptions>

/** @throws UsageError */
export function parseRecvOptions(words: readonly string[]) {
  const { token = process.env.BATCHCONN_TOKEN, ...parsed } = oneFormat(parseCommandLine(RECV, words))
  // A child process may leave the port to the kernel.
  return { ...parsed, token, listen: listenAt(parsed.announce ? 0 : 1)(parsed.listen, 'listen') }
}
