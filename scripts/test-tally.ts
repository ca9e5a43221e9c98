import { Parser, type Result } from 'tap-parser'

/** Something to be said about a test: why it failed, or why it was skipped. */
export interface Note {
  /** The test's place: the file, then its tests from the outside in. */
  readonly path: readonly string[]
  readonly text: string
}

/**
 * What became of the tests. A test is a subtest without subtests of its own; a file without subtests is one test.
 * What failed in between (a crashed file, a timeout, an unfinished plan) counts as one more that failed.
 */
export class Tally {
  passed = 0
  readonly failures: Note[] = []
  readonly skips: Note[] = []

  get failed(): number {
    return this.failures.length
  }

  get skipped(): number {
    return this.skips.length
  }

  /** How many tests were really run. */
  get executed(): number {
    return this.passed + this.failed
  }

  /** Adds what another has counted. */
  add(other: Tally): void {
    this.passed += other.passed
    this.failures.push(...other.failures)
    this.skips.push(...other.skips)
  }

  /** `3 passed, 0 failed, 1 skipped`. */
  toString(): string {
    const skipped = this.skipped === 0 ? '' : `, ${this.skipped} skipped`
    return `${this.passed} passed, ${this.failed} failed${skipped}`
  }
}

/** Told about each test file as it ends, and about what the tests print. */
export interface Listener {
  file(path: string, tally: Tally, milliseconds: number): void
  print(text: string): void
}

/** Counts tests in TAP as it comes; `total` is complete when the stream has ended. */
export class TallyParser {
  readonly total = new Tally()
  readonly stream = new Parser()
  readonly #listener: Listener

  constructor(listener: Listener) {
    this.#listener = listener
    this.stream.on('extra', (text: string) => listener.print(text))
    this.#followFiles()
  }

  #followFiles(): void {
    let file: Group | undefined
    this.stream.on('child', (child: Parser) => {
      file = this.#follow(child, [child.name])
    })
    this.stream.on('assert', (point: Result) => {
      const group = file ?? newGroup([point.name])
      file = undefined
      const tally = conclude(group, point)
      this.total.add(tally)
      this.#listener.file(point.name, tally, point.time ?? 0)
    })
    this.stream.on('bailout', (reason: string) => this.#fail(`bail out: ${reason}`))
    this.stream.on('complete', ({ ok }: { ok: boolean }) => {
      if (!ok && this.total.failed === 0) this.#fail('the TAP stream is broken')
      if (this.total.executed === 0) this.#fail('no test was executed')
    })
  }

  #follow(parser: Parser, path: readonly string[]): Group {
    const group = newGroup(path)
    let subtest: Group | undefined
    parser.on('child', (child: Parser) => {
      subtest = this.#follow(child, [...path, child.name])
    })
    parser.on('assert', (point: Result) => {
      if (subtest === undefined) {
        group.points.push(point)
      } else {
        group.hasSubtests = true
        group.below.add(conclude(subtest, point))
      }
      subtest = undefined
    })
    parser.on('comment', (text: string) => {
      if (!TAPS_OWN_COMMENT.test(text)) this.#listener.print(text)
    })
    return group
  }

  #fail(text: string): void {
    this.total.failures.push({ path: ['test run'], text })
  }
}

/** What has been seen of a test, or of a file, before its own line closes it. */
interface Group {
  readonly path: readonly string[]
  /** What its subtests came to. */
  readonly below: Tally
  /** Its own assertions, and subtests that were skipped before they began. */
  readonly points: Result[]
  hasSubtests: boolean
}

function newGroup(path: readonly string[]): Group {
  return { path, below: new Tally(), points: [], hasSubtests: false }
}

function conclude({ path, below, points, hasSubtests }: Group, closing: Result): Tally {
  const tally = new Tally()
  tally.add(below)
  const failed = points.filter(isFailure)
  const excused = points.filter((point) => excuse(point) !== undefined)
  if (hasSubtests) {
    tally.failures.push(...failed.map((point) => failure([...path, point.name], point)))
    tally.skips.push(...excused.map((point) => skip([...path, point.name], point)))
  } else if (failed.length > 0) {
    tally.failures.push({ path, text: failed.map((point) => `${point.name}\n${details(point)}`).join('\n') })
  } else if (isFailure(closing)) {
    tally.failures.push(failure(path, closing))
  } else if (closing.skip === NO_TESTS) {
    tally.failures.push({ path, text: 'the file has no tests' })
  } else if (excuse(closing) !== undefined) {
    tally.skips.push(skip(path, closing))
  } else if (excused.length > 0 && excused.length === points.length) {
    tally.skips.push(...excused.slice(0, 1).map((point) => skip(path, point)))
  } else {
    tally.passed += 1
  }
  if (isFailure(closing) && tally.failed === 0) tally.failures.push(failure(path, closing))
  return tally
}

function isFailure({ ok, skip, todo }: Result): boolean {
  return !ok && skip === false && todo === false
}

function excuse({ skip, todo }: Result): string | undefined {
  if (skip !== false) return skip === true ? 'no reason given' : skip
  return todo === false ? undefined : `to do${todo === true ? '' : `: ${todo}`}`
}

function failure(path: readonly string[], point: Result): Note {
  return { path, text: details(point) }
}

function skip(path: readonly string[], point: Result): Note {
  return { path, text: excuse(point) ?? '' }
}

function details({ diag }: Result): string {
  return Object.entries((diag ?? {}) as Record<string, unknown>)
    .filter(([name]) => !UNTELLING.has(name))
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? indented(value) : JSON.stringify(value)}`)
    .join('\n')
}

function indented(text: string): string {
  return text.includes('\n') ? `\n${text.trimEnd().replaceAll(/^/gm, '  ')}` : text
}

/** tap closes a file without tests so, and calls it skipped. */
const NO_TESTS = 'no tests found'

const TAPS_OWN_COMMENT = /^# (Subtest: |time=|test count|\{ total: )/

/** What tap says about every file it could not finish; the exit code and the signal are what tells. */
const UNTELLING = new Set(['stdio', 'cwd', 'externalID', 'command', 'args', 'jobId', 'tapCaught'])
