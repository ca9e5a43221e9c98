import { IP_RECVERR, IPPROTO_IP } from '../../src/libc/constants.js'
import type { Arrival } from './incoming.js'
import type { Incoming } from './receive-kernel.js'
import type { ErrorEntry } from './send-case.js'

/** Entries of the error queue as the kernel stores them: a sock_extended_err, then the offender's sockaddr_in (ip(7)). */
export function networkErrors(entries: readonly (ErrorEntry | Arrival)[]): Incoming[] {
  return entries.map((entry) => (typeof entry === 'object' && 'origin' in entry ? networkError(entry) : entry))
}

function networkError({ origin, errno }: Exclude<ErrorEntry, number>): Arrival {
  const data = Buffer.alloc(32)
  data.writeUInt32LE(errno, 0)
  data.writeUInt8(origin, 4)
  data.set(LOOPBACK, 16)
  const control = [{ level: IPPROTO_IP, type: IP_RECVERR, data }]
  return { payload: Buffer.from('returned'), flags: 0, name: LOOPBACK, control }
}

const LOOPBACK = Uint8Array.of(2, 0, 0, 9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
