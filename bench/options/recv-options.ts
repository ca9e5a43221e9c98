import { RECEIVE_MODES, type ReceiveMode } from '../runner/receiver.js'
import { MAX_PAYLOAD_BYTES } from '../workload/train.js'
import { type CommandDefinition, parseCommandLine } from './parse-command-line.js'
import { DEFAULT_PORT, parseListen } from './parse-host-port.js'
import { parseChoice, parseInteger, parseSeconds } from './parse-value.js'
import { MAX_BATCH, MAX_SECONDS } from './traffic-options.js'

/** What `bench/recv.ts` was told. */
export interface RecvOptions {
  /** No host: every address, IPv6 and IPv4. */
  readonly listen: { readonly host?: string; readonly port: number }
  readonly mode: ReceiveMode
  /** Datagrams a system call. */
  readonly batch: number
  /** The room for a datagram; a sender that announces larger ones gets it. */
  readonly sizeBytes: number
  /** Undefined: until a signal ends it. */
  readonly durationSeconds: number | undefined
  /** 0 for no progress. */
  readonly intervalSeconds: number
  /** Whether senders can announce themselves over TCP. */
  readonly control: boolean
  readonly json: boolean
  readonly quiet: boolean
  /** Started by a sender of ours: tell it the port over the IPC channel, and end with it. */
  readonly announce: boolean
}

/** @throws UsageError */
export function parseRecvOptions(words: readonly string[]): RecvOptions {
  const raw = parseCommandLine(COMMAND, words)
  const announce = raw.announce === true
  return {
    listen: parseListen('listen', String(raw.listen), announce ? 0 : 1),
    mode: parseChoice('mode', String(raw.mode), RECEIVE_MODES),
    batch: parseInteger('batch', String(raw.batch), 1, MAX_BATCH),
    sizeBytes: parseInteger('size', String(raw.size), 1, MAX_PAYLOAD_BYTES),
    durationSeconds:
      raw.duration === undefined ? undefined : parseSeconds('duration', String(raw.duration), 0.01, MAX_SECONDS),
    intervalSeconds: parseSeconds('interval', String(raw.interval), 0, MAX_SECONDS),
    control: raw.control === true,
    json: raw.json === true,
    quiet: raw.quiet === true,
    announce,
  }
}

const COMMAND = {
  name: 'recv',
  usage: 'Usage: $0 [options]\n\nReceives what bench/send.ts sends, one sender after the other, and accounts for it.',
  options: {
    listen: { type: 'value', alias: 'p', default: String(DEFAULT_PORT), describe: '[HOST:]PORT, for UDP and control' },
    mode: { type: 'value', default: 'recvmmsg', describe: `how to receive: ${RECEIVE_MODES.join(', ')}` },
    batch: { type: 'value', default: '64', describe: 'datagrams a system call, 1 to 1024' },
    size: { type: 'value', alias: 'l', default: '2048', describe: 'bytes of room for a datagram, 1 to 65507' },
    duration: { type: 'value', alias: 't', describe: 'seconds to listen; left out: until Ctrl-C' },
    interval: { type: 'value', alias: 'i', default: '1', describe: 'seconds between progress reports; 0 for none' },
    control: { type: 'flag', default: true, describe: 'answer senders over TCP on the same port' },
    json: { type: 'flag', alias: 'J', default: false, describe: 'print one JSON document at the end' },
    quiet: { type: 'flag', alias: 'q', default: false, describe: 'no progress' },
    announce: { type: 'flag', default: false, describe: 'for a parent process', hidden: true },
  },
  examples: [
    ['$0', `every address, port ${DEFAULT_PORT}`],
    ['$0 --listen 192.0.2.7:9000 --mode recvmsg', 'one address, one datagram a system call'],
    ['$0 --mode gro', 'trains taken whole and split here'],
    ['$0 --no-control --duration 10 --json', 'count whatever comes in ten seconds'],
  ],
} as const satisfies CommandDefinition
