import { type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../cli/run-command.js'
import type { ReceiveMode } from '../traffic/modes.js'
import { resolveHost } from '../traffic/network.js'
import { openReceiver } from '../traffic/open.js'
import type { Receiver } from '../traffic/receiver.js'
import { type ReceiveRecord, ReceiveService } from './receive-service.js'
import { ControlServer } from './server.js'

export interface ListenPlan {
  readonly listen: { readonly host?: string; readonly port: number }
  readonly mode: ReceiveMode
  readonly batch: number
  readonly sizeBytes: number
  readonly control: boolean
  readonly token: string | undefined
}

export interface Listening {
  readonly receiver: Receiver
  readonly service: ReceiveService
  close(): void
}

/** Opens UDP and TCP on the same port. @throws Failure */
export async function listen(plan: ListenPlan, onRecord: (record: ReceiveRecord) => void): Promise<Listening> {
  const { host, port } = plan.listen
  const candidates = host === undefined ? WILDCARDS.map((address) => endpoint({ address, port })) : []
  if (host !== undefined) candidates.push(await resolveHost({ host, port }))
  for (let attempt = 1; ; attempt += 1) {
    const at = candidates[0]
    try {
      return await listenAt(at, plan, onRecord)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isWithoutIpv6 = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
      if (candidates.length > 1 && isWithoutIpv6) candidates.shift()
      // The port that the kernel chose for UDP may be in use for TCP.
      else if (port !== 0 || code !== 'EADDRINUSE' || attempt === MAX_ATTEMPTS) throw cannotListen(at, error)
    }
  }
}

/** UDP first: it determines the port. */
async function listenAt(at: Endpoint, plan: ListenPlan, onRecord: (record: ReceiveRecord) => void): Promise<Listening> {
  const { mode, batch, sizeBytes, control, token } = plan
  const receiver = await openReceiver(mode, { listen: at, batch, sizeBytes })
  try {
    const service = new ReceiveService(receiver, mode, onRecord)
    const server = control ? await ControlServer.listen(receiver.localAddress, service, token) : undefined
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

function cannotListen(at: Endpoint, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof Failure) return error
  const reason = (code !== undefined && REASONS[code]) || message
  return new Failure(`cannot listen on ${at}: ${reason}`)
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'address already in use (EADDRINUSE)',
  EADDRNOTAVAIL: 'this host does not have this address (EADDRNOTAVAIL)',
  EACCES: 'ports below 1024 require root (EACCES)',
}

/** Every address: IPv6 sockets receive IPv4 as well, if the host has IPv6. */
const WILDCARDS = ['::', '0.0.0.0']
/** For ports that are free for UDP and in use for TCP. */
const MAX_ATTEMPTS = 10
