import { UsageError } from '../failure.js'

/**
 * Reads a sending rate as datagrams a second. A bare number and `k` count packets, `M` and `G` count bits, as in
 * `200k` and `1G`; `2Mpps` or `300kbit` says it outright. Bits are those of the payload.
 */
export function parseRate(name: string, text: string, sizeBytes: number): number {
  const match = /^(\d+(?:\.\d+)?)([kMG]?)(pps|bit|bit\/s|bps)?$/.exec(text)
  if (match === null) throw badRate(name, text)
  const [, digits, prefix, unit = ASSUMED_UNIT[prefix]] = match
  const value = Number(digits) * FACTOR[prefix]
  const packetsPerSecond = unit === 'pps' ? value : value / (8 * sizeBytes)
  // Slower than this, and a round may end before its second packet.
  if (!(packetsPerSecond >= 1 && packetsPerSecond <= 1e9)) throw badRate(name, text)
  return packetsPerSecond
}

function badRate(name: string, text: string): UsageError {
  const form = 'packets (200k, 1.5Mpps) or bits (1G, 300kbit) a second, and at least one packet'
  return new UsageError(`--${name} must be ${form}, not '${text}'`)
}

const FACTOR: Record<string, number> = { '': 1, k: 1e3, M: 1e6, G: 1e9 }
const ASSUMED_UNIT: Record<string, string> = { '': 'pps', k: 'pps', M: 'bit', G: 'bit' }
