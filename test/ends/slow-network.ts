import { spawnSync } from 'node:child_process'
import { HOST_A, HOST_B, twoHosts } from '../support/two-hosts.js'
import type { SlowNetwork } from './setting.js'

/** Makes a network namespace with a slow device, on which a send blocks; a string says why that is not possible. */
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
  // Its queue has room for everything that sockets which have ended leave in it.
  ['tc', 'qdisc', 'replace', 'dev', HOST_A.interface, ...'root tbf rate 8kbit burst 2kb limit 1gb'.split(' ')],
  // An address request would wait in that queue too.
  ['ip', 'neigh', 'replace', HOST_B.ipv4, 'lladdr', '02:00:00:00:00:02', 'dev', HOST_A.interface, 'nud', 'permanent'],
]
