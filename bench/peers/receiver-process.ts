import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { type Endpoint, endpoint } from '../../src/index.js'
import { Failure } from '../failure.js'
import { timeLimit } from '../time-limit.js'

/** `bench/recv.ts` in a process of its own, on loopback. */
export class ReceiverProcess {
  readonly address: Endpoint
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: Endpoint) {
    this.#child = child
    this.address = address
  }

  /** Starts it, and waits until it listens. It ends with this process, however that ends. */
  static async start(signal: AbortSignal): Promise<ReceiverProcess> {
    const child = spawn(process.execPath, commandLine(), {
      // It learns over the channel when this process has gone, be it by SIGKILL.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Ctrl-C goes to the whole group; ending it is for this process to do, after the last report.
      detached: true,
      env: { ...process.env, TS_NODE_PROJECT: join(__dirname, '..', '..', 'tsconfig.json') },
    })
    try {
      const { port } = await listening(child, signal)
      return new ReceiverProcess(child, endpoint({ address: '127.0.0.1', port }))
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** Ends it in good order, or by force if it takes too long. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS)
    this.#child.disconnect()
    await gone
    clearTimeout(timer)
  }
}

/** The same runtime as this process: TypeScript if that is what this file is, JavaScript otherwise. */
function commandLine(): string[] {
  const extension = extname(__filename)
  const loader = extension === '.ts' ? ['-r', require.resolve('ts-node/register')] : []
  const program = join(__dirname, '..', `recv${extension}`)
  return [...loader, program, '--listen', '127.0.0.1:0', '--announce', '--quiet']
}

/** Waits for the message that says which port it has. */
async function listening(child: ChildProcess, signal: AbortSignal): Promise<{ port: number }> {
  const within = AbortSignal.any([signal, timeLimit(START_TIMEOUT_MS)])
  const exited = once(child, 'exit', { signal: within }).then(([status]) => {
    throw new Failure(`the receiver's process ended before it listened (exit status ${status})`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: within }), exited])
    return message as { port: number }
  } catch (error) {
    signal.throwIfAborted()
    throw within.aborted ? new Failure('the receiver did not start in time') : error
  } finally {
    exited.catch(() => {})
  }
}

/** Compiling it takes seconds on a busy machine. */
const START_TIMEOUT_MS = 30_000
const PATIENCE_MS = 2_000
