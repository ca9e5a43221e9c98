import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'

/** A host name or numeric address, and a port. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/**
 * Resolves a host to a numeric address.
 *
 * @param family - required address family, 4 or 6; 0 for the resolver's first choice
 */
export async function resolveHost({ host, port }: HostPort, family: 0 | 4 | 6 = 0): Promise<Endpoint> {
  const wanted = family === 0 ? '' : ` to IPv${family}`
  try {
    const version = isIP(host)
    if (version !== 0 && family !== 0 && version !== family) throw new Error('not of this family')
    const address = version === 0 ? (await lookup(host, { family, order: 'verbatim' })).address : host
    return endpoint({ address, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(`the host '${host}' cannot be resolved${wanted}${code === undefined ? '' : ` (${code})`}`)
  }
}
