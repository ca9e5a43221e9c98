import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** A network namespace with a loopback interface of its own, whose counters count nothing else. */
export interface OwnLoopback {
  /** What to put before a command that runs in it. */
  readonly wrapper: readonly string[]
  down(): void
}

/** Creates the namespace, which ends with this process at the latest; a string is the reason why that is impossible. */
export async function ownLoopback(): Promise<OwnLoopback | string> {
  const isRoot = process.getuid?.() === 0
  const flags = isRoot ? ['--net'] : ['--map-root-user', '--net']
  const holder = spawn('unshare', [...flags, 'sh', '-c', 'ip link set lo up && echo up && exec cat'])
  // A program that is missing is an error event, and no output.
  const failed = once(holder, 'close').catch(({ message }) => [message])
  const first = await Promise.race([once(holder.stdout, 'data'), failed])
  if (String(first[0]).trim() !== 'up') return `no network namespace can be created here (${first[0]})`
  const join = isRoot ? ['--net'] : ['--user', '--preserve-credentials', '--net']
  return { wrapper: ['nsenter', `--target=${holder.pid}`, ...join], down: () => holder.stdin.end() }
}
