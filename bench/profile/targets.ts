import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../children/temporary.js'
import { Failure } from '../cli/run-command.js'
import type { ProfilePlan } from '../options/local-options.js'
import { BatchConn } from './library.js'

/** Where datagrams are sent to: how to run a worker there, and an address. */
export interface Target {
  readonly name: 'sink' | 'loopback'
  readonly wrapper: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly to: { readonly address: string; readonly port: number }
}

interface Targets extends Disposable {
  readonly main: Target
  /** A sink for which the kernel splits GSO sends; undefined if it is not available. */
  readonly splitting: Target | undefined
  /** Which target it is, why, and what that changes. */
  readonly explanation: string
}

/**
 * Sets up the targets: sinks in network namespaces if they can be made, or else loopback.
 *
 * @throws Failure if a sink is required and cannot be made
 */
export function openTargets(wanted: ProfilePlan['target']): Targets {
  if (wanted === 'loopback') return loopback('as requested')
  const sinks = openSinks()
  if (typeof sinks !== 'string') return sinks
  if (wanted === 'sink') throw new Failure(`a sink is not available: ${sinks}`)
  return loopback(`because a sink is not available: ${sinks}`)
}

function openSinks(): Targets | string {
  if (process.getuid?.() !== 0) return 'network namespaces require root'
  sweepNamespaces()
  const main = openSink(false)
  if (typeof main === 'string') return main
  const splitting = openSink(true)
  return {
    main,
    splitting: typeof splitting === 'string' ? undefined : splitting,
    explanation:
      'Datagrams go to a sink: a network device in its own namespace that drops everything. Route, neighbour, queue and ' +
      'device driver are real; wire, interrupts and receiver are not included. The device announces GSO support, like most ' +
      'network cards; for a second sink the kernel splits GSO sends.',
    [Symbol.dispose]() {
      runScript(sinkPrefix(false), 'down')
      if (typeof splitting !== 'string') runScript(sinkPrefix(true), 'down')
    },
  }
}

function openSink(isSplitting: boolean): Target | string {
  const prefix = sinkPrefix(isSplitting)
  const up = runScript(prefix, 'up')
  if (up.error !== undefined) return up.error.message
  const setUp = isSplitting ? ['ip', 'link', 'set', 'sink0', 'gso_max_segs', '1'] : ['true']
  const ready = up.status === 0 ? runScript(prefix, 'sink', ...setUp) : up
  if (ready.status !== 0) {
    runScript(prefix, 'down')
    return ready.stderr.trim().split('\n', 1)[0]
  }
  const env = { ...process.env, BATCHCONN_NETNS_PREFIX: prefix }
  return { name: 'sink', wrapper: [SCRIPT, 'sink'], env, to: { address: '10.83.1.2', port: 9 } }
}

function sinkPrefix(isSplitting: boolean): string {
  return `bcp${process.pid}-${isSplitting ? 'c' : 's'}`
}

/** Removes the namespaces of runs that were killed (SIGKILL). */
function sweepNamespaces(): void {
  const names = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : []
  const prefixes = names.flatMap((name) => {
    const [, prefix, pid] = /^(bcp(\d+)-[sc])-(?:a|b|sink)$/.exec(name) ?? []
    return prefix === undefined || isAlive(Number(pid)) ? [] : [prefix]
  })
  for (const prefix of new Set(prefixes)) runScript(prefix, 'down')
}

function runScript(prefix: string, ...words: string[]) {
  return spawnSync(SCRIPT, words, { env: { ...process.env, BATCHCONN_NETNS_PREFIX: prefix }, encoding: 'utf8' })
}

// A bound socket that is not read: an unused port would answer each datagram with an ICMP error.
function loopback(why: string): Targets {
  const receiver = BatchConn.open({ receiveBufferBytes: 4096 }).bind({ address: '127.0.0.1', port: 0 })
  const { address, port } = receiver.localAddress
  return {
    main: { name: 'loopback', wrapper: [], env: process.env, to: { address, port } },
    splitting: undefined,
    explanation:
      `Datagrams go over loopback to a socket that is not read, ${why}. The sending call then includes most of the kernel's ` +
      'receive work, until the full buffer drops the datagram: the component "device" is larger than with a real device, ' +
      'the gain of batching looks smaller, and GSO sends are never split.',
    [Symbol.dispose]: () => receiver.close(),
  }
}

const NAMESPACES = '/var/run/netns'
const SCRIPT = join(__dirname, '../../scripts/netns.sh')
