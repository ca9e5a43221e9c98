/** The command line cannot be served: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The work could not be done: exit status 1. Its message says all there is to say, on one line. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** A signal ended the command: exit status 128 and the signal's number, as shells have it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitStatus: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.exitStatus = signal === 'SIGINT' ? 130 : 143
  }
}

/**
 * Runs a command: whatever it throws becomes one line on standard error and an exit status.
 *
 * @param main - is handed a signal that aborts with `Interrupted` on SIGINT and SIGTERM
 */
export async function runCommand(name: string, main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => controller.abort(new Interrupted(signal)))
  }
  // Somebody who reads only the first lines (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    await main(controller.signal)
  } catch (error) {
    process.stderr.write(`${name}: ${describe(error)}\n`)
    process.exitCode = exitStatus(error)
  }
}

/** What went wrong, on one line; with BATCHCONN_DEBUG set, where as well. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (process.env.BATCHCONN_DEBUG) return error.stack ?? error.message
  return error.message.split('\n', 1)[0]
}

function exitStatus(error: unknown): number {
  if (error instanceof UsageError) return 2
  if (error instanceof Interrupted) return error.exitStatus
  return 1
}
