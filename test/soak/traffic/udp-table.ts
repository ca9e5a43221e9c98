import { readFileSync } from 'node:fs'
import type { Family } from '../../../src/index.js'

/**
 * Returns the number of datagrams dropped at the socket bound to `port`, from the kernel's table of UDP sockets: a
 * source independent of the socket options that the library reads.
 */
export function droppedAt(port: number, family: Family): number {
  // The table is read in parts: a socket that another process closes meanwhile can hide the next one.
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const dropped = lookUp(port, family)
    if (dropped !== undefined) return dropped
  }
  throw new Error(`/proc/self/net has no ${family} UDP socket on port ${port}`)
}

function lookUp(port: number, family: Family): number | undefined {
  const table = readFileSync(family === 'ipv4' ? '/proc/self/net/udp' : '/proc/self/net/udp6', 'utf8')
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/)
    if (columns[1]?.endsWith(`:${hexadecimal}`)) return Number(columns.at(-1))
  }
  return undefined
}

const ATTEMPTS = 10
