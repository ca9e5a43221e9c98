import { UsageError } from '../failure.js'
import { SEND_MODES, type SendMode } from '../runner/sender.js'
import { type CommandDefinition, parseCommandLine } from './parse-command-line.js'
import { type HostPort, parseHostPort } from './parse-host-port.js'
import { parseRate } from './parse-rate.js'
import { parseChoices } from './parse-value.js'
import { readTrafficOptions, TRAFFIC_DEFINITIONS, type TrafficOptions } from './traffic-options.js'

/** What `bench/send.ts` was told. */
export interface SendOptions extends TrafficOptions {
  /** In the order given; the first is what the others are compared with. */
  readonly modes: readonly SendMode[]
  /** Undefined: as fast as it goes. */
  readonly packetsPerSecond: number | undefined
  /** Where to send from; port 0 if none was named. */
  readonly bind: HostPort | undefined
}

/** @throws UsageError */
export function parseSendOptions(words: readonly string[]): SendOptions {
  const raw = parseCommandLine(COMMAND, words)
  const traffic = readTrafficOptions(raw)
  if (traffic.to === undefined && !traffic.control) throw new UsageError('--no-control needs --to: where to send blind')
  return {
    ...traffic,
    modes: parseChoices('mode', String(raw.mode), SEND_MODES),
    packetsPerSecond: raw.rate === undefined ? undefined : parseRate('rate', String(raw.rate), traffic.sizeBytes),
    bind: raw.bind === undefined ? undefined : parseBind(String(raw.bind)),
  }
}

/** Unlike elsewhere, no port means any port. */
function parseBind(text: string): HostPort {
  const { host, port } = parseHostPort('bind', text, 1)
  return { host, port: /\]$|^[^:]+$/.test(text) ? 0 : port }
}

const COMMAND: CommandDefinition<keyof typeof TRAFFIC_DEFINITIONS | 'mode' | 'rate' | 'bind'> = {
  name: 'send',
  usage: 'Usage: $0 [options]\n\nSends UDP datagrams in several ways, in turn, and tells what each way costs.',
  options: {
    ...TRAFFIC_DEFINITIONS,
    mode: { type: 'value', default: 'sendmsg,sendmmsg,gso', describe: `a list of ${SEND_MODES.join(', ')}` },
    rate: { type: 'value', alias: 'b', describe: 'packets (200k) or bits (1G) a second; left out: as fast as it goes' },
    bind: { type: 'value', alias: 'B', describe: 'HOST[:PORT] to send from' },
  },
  examples: [
    ['$0', 'sendmsg, sendmmsg and trains (GSO) over loopback, with a receiver of its own'],
    ['$0 --mode dgram,batchconn-dgram,sendmmsg', 'node:dgram, the drop-in for it, and the batches underneath'],
    ['$0 --to 192.0.2.7:5211 --json', 'to bench/recv.ts on another host, as JSON'],
    ['$0 --to [2001:db8::7]:9 --no-control', 'to where nobody answers'],
    ['$0 --rate 200k --size 200', '200,000 packets a second of 200 bytes'],
  ],
}
