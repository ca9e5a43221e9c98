import { randomInt } from 'node:crypto'
import { MAX_PAYLOAD_BYTES, trainSegments } from '../workload/train.js'
import type { OptionDefinition, RawOptions } from './parse-command-line.js'
import { type HostPort, parseHostPort } from './parse-host-port.js'
import { parseChoice, parseInteger, parseSeconds } from './parse-value.js'

/** What `send` and `compare` send, where to, and how often. */
export interface TrafficOptions {
  /** Undefined: to a receiver of our own. */
  readonly to: HostPort | undefined
  readonly sizeBytes: number
  /** Messages a system call. */
  readonly batch: number
  /** Datagrams of a train, for the modes that send trains: as asked, or as many as fit. */
  readonly segments: number
  /** Of a round. */
  readonly durationSeconds: number
  /** Of each contender. */
  readonly rounds: number
  /** Of warm-up, unreported. */
  readonly omitSeconds: number
  /** Otherwise each message carries its destination. */
  readonly connect: boolean
  /** Whether headers are built before the first round, or again for each batch. */
  readonly prepare: 'once' | 'batch'
  /** Whether the receiver is asked what arrived. */
  readonly control: boolean
  /** 0 for no reports within a round. */
  readonly intervalSeconds: number
  /** Of the order of rounds. */
  readonly seed: number
  readonly json: boolean
  readonly quiet: boolean
}

/** Their definitions, with iperf3's letters where they mean the same. */
export const TRAFFIC_DEFINITIONS = {
  to: { type: 'value', alias: 'c', describe: 'HOST[:PORT] or [v6][:PORT] of bench/recv.ts; left out: start one here' },
  size: { type: 'value', alias: 'l', default: '1400', describe: 'bytes of payload of a datagram, 1 to 65507' },
  batch: { type: 'value', default: '64', describe: 'messages a system call, 1 to 1024' },
  segments: {
    type: 'value',
    default: '40',
    describe: 'datagrams a train (GSO), 1 to 128, together at most 65507 bytes',
  },
  duration: { type: 'value', alias: 't', default: '1', describe: 'seconds a round' },
  rounds: { type: 'value', default: '5', describe: 'rounds of each, interleaved in random order' },
  omit: {
    type: 'value',
    alias: 'O',
    default: '0.3',
    describe: 'seconds of warm-up before the first round, unreported',
  },
  connect: { type: 'flag', default: false, describe: 'connect the socket; otherwise each message has its destination' },
  prepare: { type: 'value', default: 'once', describe: 'build the headers once, or again for each batch: once, batch' },
  control: { type: 'flag', default: true, describe: 'ask the receiver what arrived; --no-control sends blind' },
  interval: { type: 'value', alias: 'i', default: '1', describe: 'seconds between reports in a round; 0 for none' },
  seed: { type: 'value', describe: 'of the order of rounds, to have the same again' },
  json: { type: 'flag', alias: 'J', default: false, describe: 'print one JSON document' },
  quiet: { type: 'flag', alias: 'q', default: false, describe: 'no progress' },
} as const satisfies Record<string, OptionDefinition>

/** @throws UsageError for the first value that cannot be served */
export function readTrafficOptions(raw: RawOptions<keyof typeof TRAFFIC_DEFINITIONS>): TrafficOptions {
  const sizeBytes = parseInteger('size', String(raw.size), 1, MAX_PAYLOAD_BYTES)
  return {
    to: raw.to === undefined ? undefined : parseHostPort('to', String(raw.to), 1),
    sizeBytes,
    batch: parseInteger('batch', String(raw.batch), 1, MAX_BATCH),
    segments: trainSegments(sizeBytes, parseInteger('segments', String(raw.segments), 1, MAX_SEGMENTS)),
    durationSeconds: parseSeconds('duration', String(raw.duration), 0.01, MAX_SECONDS),
    rounds: parseInteger('rounds', String(raw.rounds), 1, 10_000),
    omitSeconds: parseSeconds('omit', String(raw.omit), 0, MAX_SECONDS),
    connect: raw.connect === true,
    prepare: parseChoice('prepare', String(raw.prepare), ['once', 'batch']),
    control: raw.control === true,
    intervalSeconds: parseSeconds('interval', String(raw.interval), 0, MAX_SECONDS),
    seed: raw.seed === undefined ? randomInt(1, 2 ** 32) : parseInteger('seed', String(raw.seed), 0, 2 ** 32 - 1),
    json: raw.json === true,
    quiet: raw.quiet === true,
  }
}

/** Linux since 6.9; 64 before. */
const MAX_SEGMENTS = 128
/** The kernel takes no more in one sendmmsg or recvmmsg (UIO_MAXIOV). */
export const MAX_BATCH = 1024
/** A day. */
export const MAX_SECONDS = 86_400
