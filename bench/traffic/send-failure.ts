import type { Endpoint } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'

/** Describes an error that every further datagram would have as well. */
export function sendFailure(error: unknown, destination: Endpoint): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = (code !== undefined && REASONS[code]) || message
  const failure = new Failure(`cannot send to ${destination}: ${reason}${code === undefined ? '' : ` (${code})`}`)
  failure.cause = error
  return failure
}

/** The errors of a route whose interface was removed. */
const GONE = 'no route; was the interface removed?'

const REASONS: Record<string, string> = {
  ENETUNREACH: GONE,
  ENETDOWN: GONE,
  ENODEV: GONE,
  ENXIO: GONE,
  EADDRNOTAVAIL: 'the source address is not on this host; was the interface removed?',
  EHOSTUNREACH: 'the host is unreachable',
  EMSGSIZE: 'the datagrams are too long for the path',
  EPERM: 'rejected by a firewall',
  EACCES: 'not permitted (a broadcast address?)',
  EINVAL: 'this address cannot be reached from this socket',
}
