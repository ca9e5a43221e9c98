import type { Endpoint } from '../../src/index.js'
import { Failure } from '../failure.js'

/** What ends a round: an error that every further datagram would meet as well. */
export function sendFailure(error: unknown, destination: Endpoint): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = (code !== undefined && REASONS[code]) || message
  const failure = new Failure(`cannot send to ${destination}: ${reason}${code === undefined ? '' : ` (${code})`}`)
  failure.cause = error
  return failure
}

/** What the kernel says when a route has lost its interface, in its various words. */
const GONE = 'no route; has the interface gone?'

/** The rest in words; what is not here speaks for itself. */
const REASONS: Record<string, string> = {
  ENETUNREACH: GONE,
  ENETDOWN: GONE,
  ENODEV: GONE,
  ENXIO: GONE,
  EADDRNOTAVAIL: 'the source address is not there; has the interface gone?',
  EHOSTUNREACH: 'the host cannot be reached',
  EMSGSIZE: 'the datagrams are too long for the path',
  EPERM: 'a firewall forbids it',
  EACCES: 'it is forbidden (a broadcast address?)',
  EINVAL: 'the address cannot be sent to from here',
}
