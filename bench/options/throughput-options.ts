import { type OptionTable, type Parsed, parseCommandLine } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import { gsoSegments, MAX_PAYLOAD_BYTES, PEER_MODES, RECEIVE_MODES, SEND_MODES } from '../traffic/modes.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'
import {
  CSV_OPTION,
  choice,
  choices,
  DEFAULT_PORT,
  HOST_PORT_FORM,
  hostPort,
  integer,
  listenAt,
  MEASURING_OPTIONS,
  oneFormat,
  randomSeed,
  rate,
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
const MAX_BUFFERS = 4096
/** As many senders as a receiver serves. */
const MAX_STREAMS = 64
/** Programs in other languages that can take part. `c-copying` is the C program in the same mode without zero-copy. */
const PEER_NAMES = ['c', 'c-copying', 'go'] as const
export type PeerName = (typeof PEER_NAMES)[number]

/** The letters are iperf3's where the meaning is the same. */
export const TRAFFIC = {
  modes: {
    name: 'mode',
    parse: choices(SEND_MODES),
    default: 'sendmsg,sendmmsg,gso',
    describe: `a list of ${SEND_MODES.join(', ')}; ratios refer to the first`,
  },
  to: { parse: hostPort(1), alias: 'c', describe: `receiver, ${HOST_PORT_FORM}; default: start one on this host` },
  sizeBytes: {
    name: 'size',
    parse: integer(1, MAX_PAYLOAD_BYTES),
    alias: 'l',
    default: '1400',
    describe: 'bytes of payload per datagram, 1 to 65507',
  },
  batch: { parse: integer(1, MAX_BATCH), default: '64', describe: 'messages per system call, 1 to 1024' },
  segments: {
    parse: integer(1, MAX_SEGMENTS),
    default: '40',
    describe: 'datagrams per GSO send, 1 to 128, together at most 65507 bytes',
  },
  buffers: {
    parse: integer(1, MAX_BUFFERS),
    default: '1',
    describe: 'payload buffers that modes with gso use in turn, 1 to 4096; with many, copying reads from slower caches',
  },
  durationSeconds: {
    name: 'duration',
    parse: seconds(0.01, MAX_SECONDS),
    alias: 't',
    default: '1',
    describe: 'seconds per round',
  },
  rounds: { parse: integer(1, 10_000), default: '5', describe: 'rounds per candidate, interleaved in random order' },
  omitSeconds: {
    name: 'omit',
    parse: seconds(0, MAX_SECONDS),
    alias: 'O',
    default: '0.3',
    describe: 'seconds of warm-up before the first round, not reported',
  },
  connect: { flag: false, describe: 'connect the socket; otherwise each message carries its destination' },
  prepare: {
    parse: choice(['once', 'batch'] as const),
    default: 'once',
    describe: 'build the headers once, or again for each batch: once, batch',
  },
  rate: {
    parse: word,
    alias: 'b',
    describe: 'packets (200k) or bits (1G) per second; default: unlimited',
  },
  burstMs: {
    name: 'burst-ms',
    parse: within('a number of milliseconds from 0.01 to 1000', /^(\d+(?:\.\d+)?)$/, 0.01, 1000),
    default: '1',
    describe: 'with --rate: at most what is due in this many milliseconds is sent at once',
  },
  bind: { parse: hostPort(1, 0), alias: 'B', describe: `source address, ${HOST_PORT_FORM}` },
  control: { flag: true, describe: 'the receiver reports what arrived; --no-control sends without a receiver' },
  token: { parse: token, describe: "the receiver's shared secret; default: the variable BATCHCONN_TOKEN" },
  intervalSeconds: {
    name: 'interval',
    parse: seconds(0, MAX_SECONDS),
    alias: 'i',
    default: '1',
    describe: 'seconds between reports within a round; 0 for none',
  },
  peers: {
    parse: choices(PEER_NAMES),
    describe: `also programs in other languages: a list of ${PEER_NAMES.join(', ')}`,
  },
  ...MEASURING_OPTIONS,
  csv: CSV_OPTION,
} as const satisfies OptionTable

const SEND = {
  name: 'send',
  usage: 'Sends UDP datagrams in several modes, in turn, and reports what each costs.',
  options: {
    ...TRAFFIC,
    parallel: {
      parse: integer(1, MAX_STREAMS),
      alias: 'P',
      default: '1',
      describe: `streams at the same time, up to ${MAX_STREAMS}, each with a thread and a socket, and its own --rate`,
    },
  },
  examples: [
    ['$0', 'sendmsg, sendmmsg and GSO over loopback, to a receiver that it starts'],
    ['$0 --mode dgram,batchconn-dgram,sendmmsg', 'node:dgram, its drop-in, and the batches underneath'],
    ['$0 --to 192.0.2.7:5211 --json', 'to recv on another host, as JSON'],
    ['$0 --to [2001:db8::7]:9 --no-control', 'to an address without a receiver'],
    ['$0 --rate 200k --size 200', '200,000 packets of 200 bytes per second'],
    ['$0 --parallel 4 --mode sendmmsg', 'four streams at the same time'],
  ],
} as const

/** Short rounds, and many: a ratio gains more from pairs than from the precision of each. */
const COMPARE = {
  name: 'compare',
  usage: 'The same work by batchconn and by other programs, in turn, and the ratio of their rates.',
  options: {
    ...TRAFFIC,
    modes: { ...TRAFFIC.modes, default: 'sendmmsg,dgram' },
    rounds: { ...TRAFFIC.rounds, default: '15' },
    durationSeconds: { ...TRAFFIC.durationSeconds, default: '0.3' },
    peers: { ...TRAFFIC.peers, default: 'c,go' },
  },
  examples: [
    ['$0', 'against C, Go and node:dgram, over loopback'],
    ['$0 --mode gso,sendmmsg --peers c', 'GSO sends, against those of C and against batches of single datagrams'],
    ['$0 --mode sendmmsg --peers c --to 192.0.2.7:9 --no-control', 'against C alone, without a receiver'],
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
  const { rate: rateText, peers = [], seed = randomSeed(), ...rest } = oneFormat(parsed)
  const [first] = rest.modes
  if (rest.to === undefined && !rest.control) throw new UsageError('--no-control requires --to HOST:PORT')
  if (peers.length > 0 && !PEER_MODES.some((mode) => mode === first)) {
    throw new UsageError(`--peers requires a first --mode of ${PEER_MODES.join(' or ')}, not '${first}'`)
  }
  if (rest.parallel > 1 && peers.length > 0) throw new UsageError('--parallel and --peers exclude each other')
  if (rest.parallel > 1 && rest.control && rest.sizeBytes < HEADER_BYTES) {
    throw new UsageError(
      `--parallel requires a --size of at least ${HEADER_BYTES}: smaller datagrams have no stream number`,
    )
  }
  return {
    ...rest,
    command,
    peers,
    seed,
    // As requested, or as many as fit.
    segments: gsoSegments(rest.sizeBytes, rest.segments),
    packetsPerSecond: rateText === undefined ? undefined : rate(rateText, 'rate', rest.sizeBytes),
    token: rest.token ?? process.env.BATCHCONN_TOKEN,
  }
}

const RECEIVE = {
  listen: {
    parse: word,
    alias: 'p',
    default: String(DEFAULT_PORT),
    describe: '[HOST:]PORT, for UDP and for the control connection',
  },
  mode: { parse: choice(RECEIVE_MODES), default: 'recvmmsg', describe: `how to receive: ${RECEIVE_MODES.join(', ')}` },
  batch: { ...TRAFFIC.batch, describe: 'datagrams per system call, 1 to 1024' },
  sizeBytes: { ...TRAFFIC.sizeBytes, default: '2048', describe: 'slot size per datagram in bytes, 1 to 65507' },
  durationSeconds: {
    name: 'duration',
    parse: seconds(0.01, MAX_SECONDS),
    alias: 't',
    describe: 'seconds to listen; default: until Ctrl-C',
  },
  intervalSeconds: { ...TRAFFIC.intervalSeconds, describe: 'seconds between progress reports; 0 for none' },
  control: { flag: true, describe: 'report to senders over TCP on the same port' },
  token: { parse: token, describe: 'shared secret that senders must have; default: the variable BATCHCONN_TOKEN' },
  announce: { flag: false, hidden: true, describe: 'for a parent process' },
  json: { ...MEASURING_OPTIONS.json, describe: 'print one JSON document at the end' },
  csv: { ...CSV_OPTION, describe: 'print CSV at the end: column names, then one line per stream' },
  quiet: MEASURING_OPTIONS.quiet,
} as const satisfies OptionTable

const RECV = {
  name: 'recv',
  usage: 'Receives what the command send sends, from several senders at the same time, and reports what arrived.',
  options: RECEIVE,
  examples: [
    ['$0', `every address, port ${DEFAULT_PORT}`],
    ['$0 --listen 192.0.2.7:9000 --mode recvmsg', 'one address, one datagram per system call'],
    ['$0 --mode gro', 'coalesced datagrams (GRO), split here'],
    ['$0 --no-control --duration 10 --json', 'count everything that arrives in ten seconds'],
  ],
} as const

export type RecvPlan = ReturnType<typeof parseRecvOptions>

/** @throws UsageError */
export function parseRecvOptions(words: readonly string[]) {
  const parsed = oneFormat(parseCommandLine(RECV, words))
  return {
    ...parsed,
    // A child process may leave the port to the kernel.
    listen: listenAt(parsed.announce ? 0 : 1)(parsed.listen, 'listen'),
    token: parsed.token ?? process.env.BATCHCONN_TOKEN,
  }
}
