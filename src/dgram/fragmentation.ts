import { EMSGSIZE } from '../libc/constants.js'
import { ErrnoError } from '../libc/errno-error.js'
import type { BatchConn } from '../socket/batch-conn.js'

/**
 * Whether the kernel may fragment what a socket sends over IPv4. It may with node:dgram, and then needs an
 * identification for each datagram, which is a twentieth of what sending one costs. A datagram that must stay whole
 * (IP_PMTUDISC_DO) needs none (RFC 6864); that routers may not fragment it, DF, is so either way. So that is how it goes
 * until one is too long for its path.
 */
export class Fragmentation {
  readonly #conn: BatchConn
  #isOff: boolean

  /** @param isOwn - whether the descriptor is this socket's alone: how others want theirs is not known here */
  constructor(conn: BatchConn, isOwn: boolean) {
    this.#conn = conn
    this.#isOff = isOwn && conn.family === 'ipv4' && conn.options.mtuDiscover === 'want'
    if (this.#isOff) conn.options.mtuDiscover = 'do'
  }

  /** Has what was refused as too long fragmented. @returns true if it is worth sending again */
  allowFor(error: unknown): boolean {
    if (!this.#isOff || !(error instanceof ErrnoError) || error.errno !== -EMSGSIZE) return false
    this.#isOff = false
    this.#conn.options.mtuDiscover = 'want'
    return true
  }
}
