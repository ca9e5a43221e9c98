import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { type Endpoint, endpoint } from '../../src/index.js'
import { type Child, startChild } from '../children/child.js'
import type { Progress } from '../cli/progress.js'
import { type ControlClient, connectControl } from '../control/protocol.js'
import type { ThroughputPlan } from '../options/throughput-options.js'
import { type HostPort, interfaceTowards, resolveHost } from '../traffic/network.js'
import { HEADER_BYTES } from '../traffic/payload-header.js'

/**
 * The receiver of a run, with one control connection per stream, or none with `--no-control`; and the interface that leads
 * there, undefined if unknown.
 */
export type Session = Awaited<ReturnType<typeof openSession>>

/** Connects to the receiver, or starts one. @throws Failure */
export async function openSession(
  plan: Pick<ThroughputPlan, 'sizeBytes' | 'to' | 'bind' | 'token' | 'control' | 'parallel'>,
  progress: Progress,
  signal: AbortSignal,
) {
  if (plan.sizeBytes < HEADER_BYTES) {
    progress.say(`datagrams below ${HEADER_BYTES} bytes have no sequence number: they are only counted`)
  }
  const ownToken = randomBytes(16).toString('hex')
  const child = plan.to === undefined ? startReceiver(ownToken) : undefined
  if (child !== undefined) progress.say('starting a receiver on loopback')
  const controls: ControlClient[] = []
  // Each stream waits for it; Node warns of more than ten listeners.
  setMaxListeners(0, signal)
  const close = async () => {
    for (const control of controls) control.close()
    await child?.[Symbol.asyncDispose]()
  }
  try {
    const destination = child === undefined ? await resolveHost(plan.to as HostPort) : await addressOf(child, signal)
    const bind = plan.bind && (await resolveHost(plan.bind, destination.family === 'ipv4' ? 4 : 6))
    const towards = interfaceTowards(destination)
    const token = child === undefined ? plan.token : ownToken
    for (let count = plan.control ? plan.parallel : 0; count > 0; count -= 1) {
      controls.push(await connectControl(destination, signal, token))
    }
    return {
      destination,
      bind,
      // The receiver is a child process of the command.
      isLocal: child !== undefined,
      controls,
      interfaceName: towards?.name,
      isLoopback: towards?.internal ?? false,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Starts `bench/recv.ts` on loopback. */
function startReceiver(token: string): Child {
  return startChild('the receiver', {
    program: join(__dirname, '../recv'),
    words: ['--listen', '127.0.0.1:0', '--announce', '--quiet'],
    env: { ...process.env, BATCHCONN_TOKEN: token },
  })
}

async function addressOf(child: Child, signal: AbortSignal): Promise<Endpoint> {
  const { port } = (await child.next(signal, START_TIMEOUT_MS)) as { port: number }
  return endpoint({ address: '127.0.0.1', port })
}

/** Compiling the receiver takes seconds on a busy machine. */
const START_TIMEOUT_MS = 30_000
