import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** Addresses of the two hosts that `scripts/netns.sh up` creates, and of a neighbour that drops everything. */
export const HOST_A = { ipv4: '10.83.0.1', ipv6: 'fd83::1', interface: 'veth-a' } as const
export const HOST_B = { ipv4: '10.83.0.2', ipv6: 'fd83::2', interface: 'veth-b' } as const
export const SINK = { ipv4: '10.83.1.2', ipv6: 'fd83:1::2', interface: 'sink0' } as const

/** Two hosts and a sink on this machine, in network namespaces of the test. */
export interface TwoHosts {
  /** Returns the command that runs another command in a host. */
  command(where: 'A' | 'B' | 'sink'): string[]
  /** Environment of these commands. */
  readonly env: NodeJS.ProcessEnv
  down(): void
}

/** Creates the hosts; a string is the reason why that is impossible. */
export function twoHosts(name: string): TwoHosts | string {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (spawnSync('ip', ['-V']).status !== 0) return 'network namespaces need iproute2'
  const env = { ...process.env, BATCHCONN_NETNS_PREFIX: `bct-${name}-${process.pid}` }
  const up = spawnSync(SCRIPT, ['up'], { env, encoding: 'utf8' })
  if (up.status !== 0) return up.stderr?.trim() || `${SCRIPT} could not be started`
  return {
    env,
    command: (where) => [SCRIPT, ...(where === 'sink' ? ['sink'] : ['exec', where])],
    down: () => {
      execFileSync(SCRIPT, ['down'], { env })
    },
  }
}

const SCRIPT = join(__dirname, '../../scripts/netns.sh')
