import { type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../failure.js'
import type { RecvOptions } from '../options/recv-options.js'
import type { ReceiveRow } from '../runner/receive-round.js'
import { ReceiveService } from '../runner/receive-service.js'
import { openReceiver, type Receiver } from '../runner/receiver.js'
import { ControlServer } from './control-server.js'
import { resolveHost } from './resolve.js'

/** A receiver with its service, and its control channel if it has one. */
export interface Listening {
  readonly receiver: Receiver
  readonly service: ReceiveService
  close(): void
}

/** Opens what `bench/recv.ts` needs: UDP and TCP on the same port. @throws Failure */
export async function listen(options: RecvOptions, onRow: (row: ReceiveRow) => void): Promise<Listening> {
  const { host, port } = options.listen
  const candidates = host === undefined ? WILDCARDS.map((address) => endpoint({ address, port })) : []
  if (host !== undefined) candidates.push(await resolveHost({ host, port }))
  for (let attempt = 1; ; attempt += 1) {
    const at = candidates[0]
    try {
      return await listenAt(at, options, onRow)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isWithoutIpv6 = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
      if (candidates.length > 1 && isWithoutIpv6) candidates.shift()
      // The port the kernel chose for UDP can be taken for TCP.
      else if (port !== 0 || code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw cannotListen(at, error)
    }
  }
}

/** UDP first: it decides about the port. */
async function listenAt(at: Endpoint, options: RecvOptions, onRow: (row: ReceiveRow) => void): Promise<Listening> {
  const { mode, batch, sizeBytes, control } = options
  const receiver = await openReceiver(mode, { listen: at, batch, sizeBytes })
  try {
    const service = new ReceiveService(receiver, mode, onRow)
    const server = control ? await ControlServer.listen(receiver.localAddress, service) : undefined
    return {
      receiver,
      service,
      close() {
        server?.close()
        receiver.close()
      },
    }
  } catch (error) {
    receiver.close()
    throw error
  }
}

/** The failure in words, with the address it is about. */
function cannotListen(at: Endpoint, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof Failure) return error
  const reason = (code !== undefined && REASONS[code]) || message
  return new Failure(`cannot listen on ${at}: ${reason}`)
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'somebody else does (EADDRINUSE)',
  EADDRNOTAVAIL: 'this host has no such address (EADDRNOTAVAIL)',
  EACCES: 'ports below 1024 are for root (EACCES)',
}

/** Every address: IPv6 sockets take IPv4 as well, where there is IPv6. */
const WILDCARDS = ['::', '0.0.0.0']
/** At ports that are free for UDP and taken for TCP. */
const ATTEMPTS = 10
