import { spawnSync } from 'node:child_process'
import { HOST_A, HOST_B, twoHosts } from '../support/two-hosts.js'
import type { SlowNetwork } from './setting.js'

/**
 * Creates a network namespace with a slow device, on which a send blocks; a string is the reason why that is not
 * possible.
 */
export function slowNetwork(name: string): SlowNetwork | string {
  const hosts = twoHosts(name)
  if (typeof hosts === 'string') return hosts
  const { env } = hosts
  const wrapper = hosts.command('A')
  for (const command of SLOW_DOWN) {
    const [file, ...args] = [...wrapper, ...command]
    const { status, error, stderr } = spawnSync(file, args, { env, encoding: 'utf8' })
    if (status === 0) continue
    hosts.down()
    return `no slow device: ${command.join(' ')}: ${(error?.message ?? stderr).trim()}`
  }
  return { peer: HOST_B.ipv4, wrapper, env, down: () => hosts.down() }
}

const SLOW_DOWN = [
  // The queue has space for everything that sockets leave in it when they end.
  ['tc', 'qdisc', 'replace', 'dev', HOST_A.interface, ...'root tbf rate 8kbit burst 2kb limit 1gb'.split(' ')],
  // A neighbour solicitation would wait in that queue too.
  ['ip', 'neigh', 'replace', HOST_B.ipv4, 'lladdr', '02:00:00:00:00:02', 'dev', HOST_A.interface, 'nud', 'permanent'],
]
