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
  const main = openSink('s')
  if (typeof main === 'string') return main
  const splitting = openSink('c', 'ip', 'link', 'set', 'sink0', 'gso_max_segs', '1')
  const opened = typeof splitting === 'string' ? [main] : [main, splitting]
  return {
    main,
    splitting: opened[1],
    explanation:
      'Datagrams go to a sink: a network device in its own namespace that drops everything. Route, neighbour, queue and ' +
      'device driver are real; wire, interrupts and receiver are not included. The device announces GSO support, like most ' +
      'network cards; for a second sink the kernel splits GSO sends.',
    [Symbol.dispose]() {
      for (const { env } of opened) runScript(env.BATCHCONN_NETNS_PREFIX, 'down')
    },
  }
}

/** @param command - to run in the sink's namespace */
function openSink(kind: 's' | 'c', ...command: readonly string[]): Target | string {
  const prefix = `bcp${process.pid}-${kind}`
  let last = runScript(prefix, 'up')
  if (last.error !== undefined) return last.error.message
  if (last.status === 0) last = runScript(prefix, 'sink', ...(command.length === 0 ? ['true'] : command))
  if (last.status === 0) {
    const env = { ...process.env, BATCHCONN_NETNS_PREFIX: prefix }
    return { name: 'sink', wrapper: [SCRIPT, 'sink'], env, to: { address: '10.83.1.2', port: 9 } }
  }
  runScript(prefix, 'down')
  return last.stderr.trim().split('\n', 1)[0]
}

/** Removes the namespaces of runs that were killed (SIGKILL). */
function sweepNamespaces(): void {
  const names = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : []
  for (const name of names) {
    // Each run has several; the first one found removes them all.
    const [, prefix, pid] = /^(bcp(\d+)-[sc])-(?:a|b|sink)$/.exec(name) ?? []
    if (prefix !== undefined && !isAlive(Number(pid)) && existsSync(join(NAMESPACES, name))) runScript(prefix, 'down')
  }
}

function runScript(prefix: string | undefined, ...words: string[]) {
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
