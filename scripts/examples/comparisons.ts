import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Program } from './program.js'

/** What an example runs on: the base of the comparison first. */
export const TRANSPORTS = ['node:dgram', 'batchconn'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** Starts the programs of one measurement. */
export interface Bench {
  readonly transport: Transport
  /** Folder of this measurement, in which the programs run. */
  readonly folder: string
  /** Starts an example on `transport`. Resolves when it is ready. */
  example(name: string, ...args: readonly (string | number)[]): Promise<Program>
  /** Starts a program of `clients/`, which is the same for each transport. Resolves when it is ready. */
  client(name: string, ...args: readonly (string | number)[]): Promise<Program>
  /** Runs a program to its end, and returns its standard output. */
  run(program: string, ...args: readonly (string | number)[]): Promise<string>
}

export interface Comparison {
  readonly example: string
  /** The program that sends the load. */
  readonly client: string
  /** What is measured, with its unit. More is better. */
  readonly measure: string
  run(bench: Bench): Promise<number>
}

/** Returns the arguments of ffmpeg that send 30 frames per second of a test picture, 2 Mbit/s. */
function video(encoder: readonly string[], seconds: number, port: number): string[] {
  const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-b:v', '2M', '-t', `${seconds}`]
  const url = `rtp://127.0.0.1:${port}?pkt_size=1200`
  return ['-loglevel', 'error', ...picture, '-c:v', ...encoder, '-f', 'rtp', url]
}

const NAMES = ['www', 'alias', 'ns', 'missing'].map((name) => `${name}.example.test A`)

export const COMPARISONS: readonly Comparison[] = [
  ...[1, 100].map((sockets) => ({
    example: 'dns-server',
    client: `dnsperf, ${sockets === 1 ? 'one socket' : `${sockets} sockets`}`,
    measure: 'answers',
    run: async (bench: Bench) => dnsperf(await bench.example('dns-server', 0), sockets, bench),
  })),
  {
    // dnsperf compares identifiers only, so that an echo is an answer.
    example: 'reuse-port',
    client: 'dnsperf, 64 sockets',
    measure: 'echoes',
    run: async (bench) =>
      dnsperf(await bench.example('reuse-port', 4, 0, '127.0.0.1', 'hash', bench.transport), 64, bench),
  },
  {
    example: 'statsd-collector',
    client: 'hot-shots, two processes',
    measure: 'metrics',
    run: async ({ example, client }) => {
      const collector = await example('statsd-collector', 0, '127.0.0.1', 1)
      const load = async (share: number) => {
        const loads = await Promise.all([1, 2].map(() => client('statsd-load', collector.ports[0], 100_000 * share)))
        for (const load of loads) await load.prints(/sent/)
        // The collector prints once per second.
        await setTimeout(1500)
      }
      return perCpuSecond([collector], load, () => {
        const counts = Array.from(collector.printed.matchAll(/statsd\.received (\d+)/g), ([, count]) => Number(count))
        return counts.reduce((sum, count) => sum + count, 0)
      })
    },
  },
  {
    example: 'rtp-fanout',
    client: 'ffmpeg, 500 receivers',
    measure: 'datagrams received',
    run: async ({ example, client, run }) => {
      const relay = await example('rtp-fanout', 0, 0)
      const [rtpPort, viewerPort] = relay.ports
      const viewers = await client('rtp-viewers', viewerPort, 500)
      const load = (share: number) => run('ffmpeg', ...video(['mpeg4'], 4 * share, rtpPort))
      return perCpuSecond([relay], load, () => viewers.ask(/received (\d+)\n/))
    },
  },
  {
    example: 'webrtc-relay',
    client: 'ffmpeg, 20 viewers (werift)',
    measure: 'packets received',
    run: async ({ example, client, run }) => {
      const relay = await example('webrtc-relay', 0, 0)
      const [rtpPort, httpPort] = relay.ports
      const viewers = await client('webrtc-viewers', httpPort, 20)
      const encoder = ['libvpx', '-deadline', 'realtime']
      const load = async (share: number) => {
        await run('ffmpeg', ...video(encoder, 8 * share, rtpPort))
        // The viewers decrypt what is in their sockets.
        await setTimeout(1000)
      }
      return perCpuSecond([relay], load, () => viewers.ask(/received (\d+)\n/))
    },
  },
  {
    example: 'syslog-sqlite',
    client: 'logger, 100,000 lines',
    measure: 'messages stored',
    run: async ({ example, client, run, folder }) => {
      const [database, lines] = ['log.db', 'lines'].map((name) => join(folder, name))
      const receiver = await example('syslog-sqlite', database, 0)
      const load = async (share: number) => {
        writeFileSync(
          lines,
          'session opened for user root by (uid=0) from 192.0.2.7 port 50122\n'.repeat(100_000 * share),
        )
        await run('logger', '--server', '127.0.0.1', '--port', receiver.ports[0], '--udp', '--file', lines)
        await setTimeout(1000)
      }
      return perCpuSecond([receiver], load, async () => {
        const [, stored] = await (await client('syslog-count', database)).prints(/(\d+) stored/)
        return Number(stored)
      })
    },
  },
  {
    example: 'bulk-send',
    client: 'bulk-receive, 100 MB without a limit',
    measure: 'MB, per second of the transfer',
    run: async ({ example, folder, transport }) => {
      const [file, copy] = ['file', 'copy'].map((name) => join(folder, name))
      writeFileSync(file, randomBytes(100e6))
      const receiver = await example('bulk-receive', copy, 0)
      const sender = await example('bulk-send', '127.0.0.1', receiver.ports[0], file, 10_000, transport)
      const [, seconds] = await sender.prints(/in ([\d.]+) s, .* verified/)
      return 100 / Number(seconds)
    },
  },
  {
    example: 'multicast-chat',
    client: 'four members, a line every 2 ms',
    measure: 'lines printed',
    run: async ({ example }) => {
      const port = 20_000 + (process.pid % 10_000)
      const names = ['ann', 'bob', 'cem', 'dia']
      const members = await Promise.all(names.map((name) => example('multicast-chat', name, '239.255.7.1', port)))
      const load = async (share: number) => {
        for (let line = 0; line < 2000 * share; line += 1) {
          members[line % members.length].write('a line of the chat\n')
          await setTimeout(2)
        }
        await setTimeout(200)
      }
      const printed = () => members.map(({ printed }) => printed.split('\n').length)
      return perCpuSecond(members, load, () => printed().reduce((sum, count) => sum + count))
    },
  },
]

const WARM_UP = 0.25

/** Returns the work that programs do per second of their CPU time, after a quarter of the load to compile the code. */
async function perCpuSecond(
  programs: readonly Program[],
  load: (share: number) => Promise<unknown>,
  done: () => number | Promise<number>,
): Promise<number> {
  const used = () => programs.reduce((sum, program) => sum + program.cpuSeconds(), 0)
  await load(WARM_UP)
  const before = { done: await done(), used: used() }
  await load(1)
  const seconds = used() - before.used
  return ((await done()) - before.done) / seconds
}

function dnsperf(server: Program, sockets: number, { folder, run }: Bench): Promise<number> {
  const queries = join(folder, 'queries')
  const options = ['-s', '127.0.0.1', '-p', server.ports[0], '-d', queries, '-n', 1, '-c', sockets, '-q', 200]
  let answers = 0
  const load = async (share: number) => {
    writeFileSync(queries, `${NAMES.join('\n')}\n`.repeat(25_000 * share))
    const [, completed] = /Queries completed:\s+(\d+)/.exec(await run('dnsperf', ...options)) ?? []
    answers += Number(completed)
  }
  return perCpuSecond([server], load, () => answers)
}
