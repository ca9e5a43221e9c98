import { UsageError } from '../failure.js'

/** A host, by name or numeric, and a port. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Where a receiver listens and a sender looks for it unless told. */
export const DEFAULT_PORT = 5211

/**
 * Reads `HOST`, `HOST:PORT`, `[v6]` or `[v6]:PORT`.
 *
 * @param lowestPort - 1, or 0 where the kernel may choose
 */
export function parseHostPort(name: string, text: string, lowestPort: 0 | 1): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([^:]*))?$/.exec(text)
  if (match === null) {
    const isBareIpv6 = /^[0-9a-f:.]+(%\w+)?$/i.test(text) && text.split(':').length > 2
    const hint = isBareIpv6 ? `; write an IPv6 address in brackets: [${text}]:${DEFAULT_PORT}` : ''
    throw new UsageError(`--${name} must be HOST:PORT or [v6]:PORT, not '${text}'${hint}`)
  }
  const [, bracketed, plain, port] = match
  return { host: bracketed ?? plain, port: port === undefined ? DEFAULT_PORT : parsePort(name, port, lowestPort) }
}

/** Reads `[HOST:]PORT`: a number alone is a port, and the host is left to the caller. */
export function parseListen(name: string, text: string, lowestPort: 0 | 1): { host?: string; port: number } {
  if (/^\d+$/.test(text)) return { port: parsePort(name, text, lowestPort) }
  return parseHostPort(name, text, lowestPort)
}

function parsePort(name: string, text: string, lowest: 0 | 1): number {
  const port = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(port >= lowest && port <= 65535)) {
    throw new UsageError(`--${name}: the port must be a whole number from 1 to 65535, not '${text}'`)
  }
  return port
}
