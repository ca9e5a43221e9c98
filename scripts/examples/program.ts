import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'

/** A program that runs in the background, and prints a line when it is ready. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<unknown>
  #printed = ''
  #errors = ''

  /** @param command - the executable and its arguments */
  constructor([executable, ...args]: readonly string[], cwd: string) {
    const child = spawn(executable, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#printed += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errors += text
    })
    this.#child = child
    this.#ended = once(child, 'close')
  }

  /** What the program has printed so far. */
  get printed(): string {
    return this.#printed
  }

  /** The ports in the first line of its output. */
  get ports(): number[] {
    const [line] = this.#printed.split('\n')
    return Array.from(line.matchAll(/:(\d+)/g), ([, port]) => Number(port))
  }

  /**
   * Resolves when the output contains `pattern`.
   *
   * @throws Error with what was printed, if the program ends without it
   */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#printed)
      if (found !== null) return found
      const ended = this.#ended.then(() => true)
      const isEnded = await Promise.race([ended, once(this.#child.stdout, 'data').then(() => false)])
      if (isEnded && !pattern.test(this.#printed)) {
        throw new Error(`${this.#child.spawnargs.join(' ')} printed no ${pattern}: ${this.#printed}${this.#errors}`)
      }
    }
  }

  /** Writes a line to standard input, and returns the number in the answer. */
  async ask(pattern: RegExp): Promise<number> {
    this.#printed = ''
    this.write('\n')
    const [, value] = await this.prints(pattern)
    return Number(value)
  }

  write(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Returns the CPU time that the threads of the program have used, in s. */
  cpuSeconds(): number {
    const tasks = `/proc/${this.#child.pid}/task`
    const nanoseconds = readdirSync(tasks).map((thread) =>
      Number(readFileSync(`${tasks}/${thread}/schedstat`, 'utf8').split(' ')[0]),
    )
    return nanoseconds.reduce((sum, time) => sum + time, 0) / 1e9
  }

  /** Ends the program, if it has not ended by itself. */
  async stop(): Promise<void> {
    this.#child.kill()
    await this.#ended
  }
}
