import { spawnSync } from 'node:child_process'
import type { FaultyNet, Host } from './net.js'

/** False if nft is installed, otherwise the reason to skip a test. */
export const NO_NFT = spawnSync('nft', ['--version']).status === 0 ? false : 'needs nft'

/** Rules of nftables at one hook of a host. */
export interface Firewall {
  /** Packets that reached the `counter` of each rule, in the order of the rules. A GSO send is one packet. */
  packets(): number[]
  remove(): void
}

/** Adds rules; each must have a `counter`. */
export function firewall(
  net: FaultyNet,
  host: Host,
  hook: 'output' | 'input' | 'prerouting',
  rules: string[],
): Firewall {
  const name = `faults-${hook}`
  const commands = [
    `add table inet ${name}`,
    `add chain inet ${name} rules { type filter hook ${hook} priority 0; }`,
    ...rules.map((rule) => `add rule inet ${name} rules ${rule}`),
  ]
  net.run(host, 'nft -f -', `${commands.join('\n')}\n`)
  return {
    packets: () => {
      const { nftables } = JSON.parse(net.run(host, `nft -j list chain inet ${name} rules`)) as { nftables: Listed[] }
      return nftables.flatMap(({ rule }) => rule?.expr.flatMap(({ counter }) => counter?.packets ?? []) ?? [])
    },
    remove: () => {
      net.run(host, `nft delete table inet ${name}`)
    },
  }
}

interface Listed {
  readonly rule?: { readonly expr: readonly { readonly counter?: { readonly packets: number } }[] }
}
