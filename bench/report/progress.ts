/** What goes on, on standard error, a line each; standard output is for results. */
export class Progress {
  readonly #isQuiet: boolean
  readonly #intervalSeconds: number
  readonly #write: (line: string) => void

  /** @param intervalSeconds - between reports within a round; 0 for none */
  constructor(
    isQuiet: boolean,
    intervalSeconds: number,
    write: (line: string) => void = (line) => void process.stderr.write(line),
  ) {
    this.#isQuiet = isQuiet
    this.#intervalSeconds = intervalSeconds
    this.#write = write
  }

  /** Says something. */
  say(line: string): void {
    if (!this.#isQuiet) this.#write(`${line}\n`)
  }

  /**
   * For use within a round: calls `describe` and says what it returns each time another interval is over.
   *
   * @param totalSeconds - how long the round is; nothing is said at its very end
   */
  ticker(totalSeconds: number): (elapsedSeconds: number, describe: () => string) => void {
    let nextSeconds = this.#intervalSeconds
    return (elapsedSeconds, describe) => {
      if (this.#isQuiet || this.#intervalSeconds === 0) return
      if (elapsedSeconds < nextSeconds || nextSeconds >= totalSeconds) return
      while (nextSeconds <= elapsedSeconds) nextSeconds += this.#intervalSeconds
      this.say(describe())
    }
  }
}
