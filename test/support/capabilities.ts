import { readFileSync } from 'node:fs'

/** Returns true if this process has CAP_NET_ADMIN, bit 12 of its effective capabilities (capabilities(7)). */
export function hasNetAdmin(): boolean {
  const [, effective = '0'] = /CapEff:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return (BigInt(`0x${effective}`) & (1n << 12n)) !== 0n
}
