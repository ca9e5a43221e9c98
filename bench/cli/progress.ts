/** Progress messages on standard error, one per line; standard output is for results. */
export class Progress {
  #updatedMs = Number.NEGATIVE_INFINITY

  /** @param intervalSeconds - between reports within a round; 0 disables them */
  constructor(
    private readonly isQuiet: boolean,
    private readonly intervalSeconds = 0,
    private readonly write: (text: string) => void = (text) => void process.stderr.write(text),
  ) {}

  say(line: string): void {
    if (!this.isQuiet) this.write(`${line}\n`)
  }

  /** Prints a line that replaces the last one: on a terminal in place, elsewhere at most every 5 s. */
  update(line: string): void {
    if (this.isQuiet) return
    if (process.stderr.isTTY) this.write(`\r\x1b[K${line}`)
    else if (performance.now() - this.#updatedMs >= UPDATE_MS) {
      this.#updatedMs = performance.now()
      this.say(line)
    }
  }

  /**
   * Returns a function for use within a round. It prints what `describe` returns, once per interval.
   *
   * @param totalSeconds - duration of the round; nothing is printed at its very end
   */
  ticker(totalSeconds: number): (elapsedSeconds: number, describe: () => string) => void {
    let nextSeconds = this.intervalSeconds
    return (elapsedSeconds, describe) => {
      if (this.isQuiet || this.intervalSeconds === 0) return
      if (elapsedSeconds < nextSeconds || nextSeconds >= totalSeconds) return
      while (nextSeconds <= elapsedSeconds) nextSeconds += this.intervalSeconds
      this.say(describe())
    }
  }
}

const UPDATE_MS = 5000
