/** Wrong command line: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The work failed: exit status 1. The message is one complete line. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** A signal ended the command: exit status 128 plus the signal's number, as in shells. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitStatus: number

  constructor(signal: keyof typeof SIGNALS) {
    super(`interrupted by ${signal}`)
    this.exitStatus = 128 + SIGNALS[signal]
  }
}

/**
 * Runs a command. An exception becomes one line on standard error and an exit status. A command loads what measures after it has
 * read its options, so that `--help` is fast.
 *
 * @param main - receives a signal that aborts with `Interrupted` on SIGINT, SIGTERM and SIGHUP
 */
export async function runCommand(name: string, main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) {
    process.on(signal, () => controller.abort(new Interrupted(signal)))
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const { aborted, reason } = controller.signal
    // A reader that closes early (`| head`) is not an error, nor is a closed terminal.
    if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(aborted ? exitStatus(reason) : 0)
    process.stderr.write(`${name}: cannot write to standard output (${error.code})\n`)
    process.exit(1)
  })
  // The terminal may be closed already (SIGHUP).
  process.stderr.on('error', () => {})
  try {
    await main(controller.signal)
  } catch (error) {
    // On a terminal, the line replaces one of progress.
    process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${name}: ${describe(error)}\n`)
    process.exitCode = exitStatus(error)
  }
}

/** Returns how a user starts a command: by its file in a clone, or from the installed package. */
export function commandLine(name: string): string {
  return __dirname.includes('node_modules') ? `npx batchconn-bench ${name}` : `npx ts-node bench/${name}.ts`
}

/** The error on one line; the stack trace if BATCHCONN_DEBUG is set. */
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

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/**
 * Returns a signal that aborts with a `TimeoutError` after a time in milliseconds. Its timer does not keep the process alive.
 *
 * `AbortSignal.timeout` is not used: Node 20 garbage-collects it inside an `AbortSignal.any`, and it never aborts.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  const error = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  setTimeout(() => controller.abort(error), milliseconds).unref()
  return controller.signal
}
