import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { checkWritable } from '../cli/files.js'
import { flag, option, type Parse } from '../cli/parse-command-line.js'
import { UsageError } from '../cli/run-command.js'
import type { HostPort } from '../traffic/network.js'

/** A number within limits, as the first group of a pattern. @param kind - `a whole number` */
export function within(kind: string, pattern: RegExp, low: number, high: number): Parse<number> {
  const form = `${low} to ${high}`
  const parse: Parse<number> = (text, name) => {
    const value = Number(pattern.exec(text)?.[1] ?? Number.NaN)
    if (value >= low && value <= high) return value
    throw new UsageError(`--${name} must be ${kind} from ${form}, not '${text}'`)
  }
  return Object.assign(parse, { form })
}

export function integer(low: number, high: number): Parse<number> {
  return within('a whole number', /^([+-]?\d{1,15})$/, low, high)
}

/** Seconds, with an optional fraction and an optional final `s`. */
export function seconds(low: number, high: number): Parse<number> {
  return within('a number of seconds', /^(\d+(?:\.\d+)?|\.\d+)s?$/, low, high)
}

/** A percentage, as a share of 1. */
export const percentage: Parse<number> = (text, name) =>
  within('a percentage', /^(\d+(?:\.\d+)?|\.\d+)\s?%?$/, 0.001, 100)(text, name) / 100

export const word: Parse<string> = (text) => text

/** A file to write at the end. @throws Failure if that is not possible */
const outputFile: Parse<string> = (file) => {
  checkWritable(file)
  return file
}

export function choice<const T extends string>(allowed: readonly T[]): Parse<T> {
  const form = allowed.join(' or ')
  const parse: Parse<T> = (text, name) => {
    const found = allowed.find((one) => one === text)
    if (found !== undefined) return found
    throw new UsageError(`--${name} must be ${form}, not '${text}'`)
  }
  return Object.assign(parse, { form })
}

/** A comma-separated list of words, each at most once. */
export function choices<const T extends string>(allowed: readonly T[]): Parse<T[]> {
  const form = `a list of ${allowed.join(', ')}`
  const parse: Parse<T[]> = (text, name) => {
    const words = text.split(',').map((word) => word.trim())
    return words.map((word, index) => {
      const found = allowed.find((one) => one === word)
      if (found === undefined) throw new UsageError(`--${name} must be ${form}, not '${word}'`)
      if (words.indexOf(word) !== index) throw new UsageError(`--${name} names ${found} twice`)
      return found
    })
  }
  return Object.assign(parse, { form })
}

/** Port of the receiver, unless another is given. */
export const DEFAULT_PORT = 5211
const HOST_PORT_FORM = 'HOST[:PORT] or [IPv6][:PORT]'

/**
 * Reads `HOST`, `HOST:PORT`, `[IPv6]` or `[IPv6]:PORT`.
 *
 * @param lowestPort - 1, or 0 where the kernel may choose
 * @param defaultPort - used when the text has no port
 */
export function hostPort(lowestPort: 0 | 1, defaultPort = DEFAULT_PORT): Parse<HostPort> {
  const parse: Parse<HostPort> = (text, name) => {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([^:]*))?$/.exec(text)
    if (match === null) {
      const isBareIpv6 = /^[0-9a-f:.]+(%\w+)?$/i.test(text) && text.split(':').length > 2
      const hint = isBareIpv6 ? `; write an IPv6 address in brackets: [${text}]:${DEFAULT_PORT}` : ''
      throw new UsageError(`--${name} must be ${HOST_PORT_FORM}, not '${text}'${hint}`)
    }
    const [, bracketed, plain, port] = match
    return { host: bracketed ?? plain, port: port === undefined ? defaultPort : parsePort(name, port, lowestPort) }
  }
  return Object.assign(parse, { form: HOST_PORT_FORM })
}

/** Reads `[HOST:]PORT`: a number alone is a port. */
export function listenAt(lowestPort: 0 | 1): Parse<{ host?: string; port: number }> {
  return (text, name) => {
    if (/^\d+$/.test(text)) return { port: parsePort(name, text, lowestPort) }
    return hostPort(lowestPort)(text, name)
  }
}

function parsePort(name: string, text: string, lowest: 0 | 1): number {
  const port = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (port >= lowest && port <= 65535) return port
  throw new UsageError(`--${name}: the port must be a whole number from 1 to 65535, not '${text}'`)
}

/**
 * Converts a sending rate to datagrams per second. A bare number and `k` count packets, `M` and `G` count bits of payload, as in
 * `200k` and `1G`; `2Mpps` or `300kbit` states the unit.
 */
export function rate(text: string, name: string, sizeBytes: number): number {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)(pps|bit|bit\/s|bps)?$/i.exec(text)
  const [, digits, prefix = '', given] = match ?? []
  const unit = given?.toLowerCase() ?? (/[mg]/i.test(prefix) ? 'bit' : 'pps')
  const value = Number(digits) * FACTOR[prefix.toLowerCase()]
  const packetsPerSecond = unit === 'pps' ? value : value / (8 * sizeBytes)
  // At a lower rate a round may end before its second packet.
  if (packetsPerSecond >= 1 && packetsPerSecond <= 1e9) return packetsPerSecond
  const form = 'packets (200k, 1.5Mpps) or bits (1G, 300kbit) per second, and at least one packet'
  throw new UsageError(`--${name} must be ${form}, not '${text}'`)
}

const FACTOR: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }

export const token: Parse<string> = (text, name) => {
  if (/^[\x21-\x7e]{1,256}$/.test(text)) return text
  throw new UsageError(`--${name} must be 1 to 256 printable ASCII characters without spaces`)
}

/** The number of a processor that this process may use. */
export const processor: Parse<number> = (text, name) => {
  const value = integer(0, 4095)(text, name)
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const isAllowed = list.split(',').some((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return value >= first && value <= last
  })
  if (isAllowed) return value
  throw new UsageError(`--${name} must be one of the processors ${list}, not '${text}'`)
}

/** The options of a command that measures. */
export const MEASURING = {
  seed: option('seed', integer(0, 2 ** 32 - 1), 'random seed; reuse it to repeat the same round order'),
  json: flag('json J', 'print one JSON document'),
  csv: flag('csv', 'print CSV: column names, then one line per result'),
  html: option('html', outputFile, 'write a report with charts to this file, as one HTML page'),
  quiet: flag('quiet q', 'no progress on standard error'),
} as const

/** Returns a plan whose result has one format. @throws UsageError if it has two */
export function oneFormat<T extends { readonly json: boolean; readonly csv: boolean }>(plan: T): T {
  if (plan.json && plan.csv) throw new UsageError('--json and --csv exclude each other')
  return plan
}

/** The options of a command that can send to several destinations. */
export const SPREAD = {
  destinations: option('destinations', integer(1, 64), 'number of destinations: --to, and the addresses after it', '1'),
  grouped: flag('grouped', 'send to one destination after the other instead of in turn'),
} as const

/** @throws UsageError if there are not as many addresses */
export function checkSpread({
  to,
  destinations,
}: {
  readonly to: HostPort | undefined
  readonly destinations: number
}) {
  if (to === undefined || (isIPv4(to.host) && Number(to.host.split('.')[3]) + destinations <= 256)) return
  const more = destinations - 1
  throw new UsageError(`--to must be an IPv4 address with ${more} more after it in its /24, not '${to.host}'`)
}

export function randomSeed(): number {
  return randomInt(1, 2 ** 32)
}
