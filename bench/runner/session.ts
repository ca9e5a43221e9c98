import type { Endpoint } from '../../src/index.js'
import type { HostPort } from '../options/parse-host-port.js'
import type { TrafficOptions } from '../options/traffic-options.js'
import { ControlClient } from '../peers/control-client.js'
import { interfaceTowards, isLoopback } from '../peers/interface-counters.js'
import { ReceiverProcess } from '../peers/receiver-process.js'
import { resolveHost } from '../peers/resolve.js'
import type { Progress } from '../report/progress.js'
import { HEADER_BYTES } from '../workload/payload-header.js'

/** Where a run sends to, and who tells what arrived there. */
export interface Session extends AsyncDisposable {
  readonly destination: Endpoint
  /** The destination is a process of our own. */
  readonly isLocal: boolean
  /** Undefined for a blind run. */
  readonly control: ControlClient | undefined
  /** The interface the datagrams leave by, if it can be told. */
  readonly interfaceName: string | undefined
  /** That interface is the loopback. */
  readonly isLoopback: boolean
}

/** Finds the receiver, or starts one. @throws Failure */
export async function openSession(options: TrafficOptions, progress: Progress, signal: AbortSignal): Promise<Session> {
  if (options.sizeBytes < HEADER_BYTES) {
    progress.say(`datagrams below ${HEADER_BYTES} bytes have no sequence number: they are only counted`)
  }
  const process = options.to === undefined ? await startReceiver(progress, signal) : undefined
  try {
    const destination = process?.address ?? (await resolveHost(options.to as HostPort))
    const interfaceName = interfaceTowards(destination)
    const control = options.control ? await ControlClient.connect(destination, signal) : undefined
    return {
      destination,
      isLocal: process !== undefined,
      control,
      interfaceName,
      isLoopback: interfaceName !== undefined && isLoopback(interfaceName),
      async [Symbol.asyncDispose]() {
        control?.close()
        await process?.stop()
      },
    }
  } catch (error) {
    await process?.stop()
    throw error
  }
}

/** `bench/recv.ts` on this host, for a run that was given no destination. */
function startReceiver(progress: Progress, signal: AbortSignal): Promise<ReceiverProcess> {
  progress.say('starting a receiver on loopback')
  return ReceiverProcess.start(signal)
}
