import { type ChildProcess, fork } from 'node:child_process'
import type { Trial } from './trial.js'
import type { AnyFunction } from './types.js'

/** Argument of a function that runs in the child. */
export interface Visit {
  /** The socket that was sent to the child. */
  readonly socket: never
  /** Logs values in the case, after the word `child`. */
  say(...values: unknown[]): void
  /** Closes the socket at the end of the case. */
  keep(socket: never): void
}

/**
 * A child process that receives sockets, one for all cases, because starting a process takes longer than most cases. It
 * uses only node:dgram, as any process that a program sends a socket to.
 */
export class Remote {
  readonly #child: ChildProcess
  #visits = 0

  constructor() {
    this.#child = fork('none', {
      execArgv: ['--no-deprecation', '-e', PROGRAM],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#child.unref()
    this.#child.channel?.unref()
  }

  /** Logs the child's output, and runs a case with it. */
  async visit(t: Trial, work: (run: Run, child: ChildProcess) => Promise<unknown>): Promise<void> {
    this.#visits += 1
    const visit = this.#visits
    const onMessage = (message: unknown, handle: unknown) => {
      const { said, during } = message as { said?: unknown[]; during?: number }
      // What an earlier case has caused can arrive late.
      if (said !== undefined && during === visit) t.log('child', ...said, ...(handle === undefined ? [] : [handle]))
    }
    this.#child.on('message', onMessage)
    this.#child.send({ visit })
    const run: Run = (source, socket, options) =>
      this.#child.send({ source: `(${source})` }, socket as never, options, (error) => t.log('passed', error))
    try {
      await work(run, this.#child)
    } finally {
      this.#child.off('message', onMessage)
      if (this.#child.connected) this.#child.send({ source: '(() => {})' })
    }
  }
}

/** Sends a socket to the child, and runs a function there, which cannot use variables from outside. */
type Run = (source: AnyFunction, socket?: object, options?: { keepOpen?: boolean }) => boolean

/** Runs a case with the child that all cases share. */
export function withRemote(work: (t: Trial, run: Run, child: ChildProcess) => Promise<unknown>) {
  return async (t: Trial) => {
    remote ??= new Remote()
    await remote.visit(t, (run, child) => work(t, run, child))
  }
}

let remote: Remote | undefined

const PROGRAM = `
  let kept = []
  process.on('disconnect', () => process.exit())
  let current
  process.on('message', ({ source = '(() => {})', visit = current }, socket) => {
    current = visit
    for (const each of kept) { try { each.close() } catch {} }
    kept = socket === undefined ? [] : [socket]
    const say = (...said) => process.send({ said, during: visit })
    const keep = (each) => kept.push(each)
    try { (0, eval)(source)({ socket, say, keep }) } catch (error) { say('threw', String(error)) }
  })`
