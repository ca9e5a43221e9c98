import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Tally, TallyParser } from '../../scripts/test-tally.js'
import { type Outcome, ROOT, run } from './support.js'

t.test('counting', async (t) => {
  t.test('a test is a subtest without subtests; skipped ones keep their reason', async (t) => {
    const { total, files } = parse(`TAP version 14
1..2
# Subtest: a.test.ts
    # Subtest: outer
        # Subtest: inner
            ok 1 - one
            ok 2 - two
            1..2
        ok 1 - inner # time=1ms
        ok 2 - left out # SKIP no cc
        1..2
    ok 1 - outer # time=2ms
    # Subtest: not for us
        1..0 # not root
    ok 2 - not for us # SKIP not root
    # Subtest: nothing but a skip
        ok 1 - it # SKIP too old
        1..1
    ok 3 - nothing but a skip
    ok 4 - later # TODO some day
    1..4
ok 1 - a.test.ts # time=3.5ms
# Subtest: b.test.ts
    ok 1 - alone
    1..1
ok 2 - b.test.ts # time=4ms
`)
    t.equal(String(total), '2 passed, 0 failed, 4 skipped')
    t.strictSame(
      total.skips.map(({ path, text }) => [...path, text].join(' | ')),
      [
        'a.test.ts | outer | left out | no cc',
        'a.test.ts | not for us | not root',
        'a.test.ts | nothing but a skip | too old',
        'a.test.ts | later | to do: some day',
      ],
    )
    t.strictSame(files, ['a.test.ts: 1 passed, 0 failed, 4 skipped, 3.5 ms', 'b.test.ts: 1 passed, 0 failed, 4 ms'])
  })

  t.test('a failed assertion is one failed test, with what tap says about it', async (t) => {
    const { total } = parse(`TAP version 14
1..1
# Subtest: a.test.ts
    # Subtest: bad
        not ok 1 - sum
          ---
          diff: |
            -1
            +2
          jobId: 1
          ...
        ok 2 - fine
        not ok 3 - product
        1..3
    not ok 1 - bad
    # Subtest: good
        ok 1 - fine
        1..1
    ok 2 - good
    1..2
not ok 1 - a.test.ts
  ---
  exitCode: 1
  ...
`)
    t.equal(String(total), '1 passed, 1 failed')
    t.strictSame(total.failures, [{ path: ['a.test.ts', 'bad'], text: 'sum\ndiff: \n  -1\n  +2\nproduct\n' }])
  })

  t.test('a file that fails although its tests passed has failed', async (t) => {
    const { total } = parse(`TAP version 14
1..1
# Subtest: a.test.ts
    # Subtest: good
        ok 1 - fine
        1..1
    ok 1 - good
not ok 1 - a.test.ts
  ---
  signal: SIGSEGV
  ...
`)
    t.equal(String(total), '1 passed, 1 failed')
    t.strictSame(total.failures, [{ path: ['a.test.ts'], text: 'signal: SIGSEGV' }])
  })

  const nothing = {
    'no output': '',
    'no files': 'TAP version 14\n1..0\n',
    'a file without tests': `TAP version 14
1..1
# Subtest: a.test.ts
    1..0 # no tests found
ok 1 - a.test.ts # SKIP no tests found
`,
    'only skipped ones':
      'TAP version 14\n1..1\n# Subtest: a.test.ts\n    1..0 # no cc\nok 1 - a.test.ts # SKIP no cc\n',
    'a bail out':
      'TAP version 14\n1..2\n# Subtest: a.test.ts\n    ok 1 - fine\n    1..1\nok 1 - a.test.ts\nBail out! stop\n',
    'an early end': 'TAP version 14\n1..2\n# Subtest: a.test.ts\n    ok 1 - fine\n    1..1\nok 1 - a.test.ts\n',
  }
  for (const [what, tap] of Object.entries(nothing)) {
    t.test(`${what} is a failure`, async (t) => t.ok(parse(tap).total.failed > 0))
  }
})

t.setTimeout(300_000)

t.test('a run from end to end', async (t) => {
  const good = "import t from 'tap'\nt.test('one', async (t) => t.ok(true))\n"
  const files = {
    good,
    skipped: "import t from 'tap'\nt.plan(0, 'not here')\n",
    aborts: `${good}t.test('two', async () => process.abort())\n`,
    exits: `${good}process.on('exit', () => { process.exitCode = 3 })\n`,
    throws: `${good}setTimeout(() => { throw new Error('boom') }, 10)\nt.test('two', () => new Promise((resolve) => setTimeout(resolve, 50)))\n`,
    hangs: `${good}t.test('two', () => new Promise((resolve) => setTimeout(resolve, 60_000)))\n`,
    empty: 'export {}\n',
    garbage: 'this is no program\n',
  }
  const root = project(t.testdir(), files)

  t.test('good ones', async (t) => {
    const outcome = await run(process.execPath, [...RUN, 'test/good.test.ts', 'test/skipped.test.ts'], { cwd: root })
    t.equal(lastLine(outcome), '1 passed, 0 failed, 1 skipped')
    t.match(outcome.stdout, /test\/skipped.test.ts\n +not here/)
    t.equal(outcome.status, 0)
  })

  t.test('bad ones are all counted, and the good beside them', async (t) => {
    const outcome = await run(process.execPath, [...RUN, '--timeout=15'], { cwd: root })
    const [passed = 0, failed = 0] = lastLine(outcome).match(/\d+/g)?.map(Number) ?? []
    t.match(outcome.stdout, /^ok {3}test\/good.test.ts: 1 passed, 0 failed/m)
    const [, listed = ''] = outcome.stdout.split('\nFailed:\n')
    for (const name of ['aborts', 'exits', 'throws', 'hangs', 'empty', 'garbage']) {
      t.match(listed, new RegExp(`^ {2}test/${name}.test.ts`, 'm'), name)
    }
    t.ok(passed >= 4, `${passed} passed`)
    t.ok(failed >= 6, `${failed} failed`)
    t.equal(outcome.status, 1)
  })

  t.test('a file that is not there', async (t) => {
    const outcome = await run(process.execPath, [...RUN, 'test/absent.test.ts'], { cwd: root })
    t.equal(lastLine(outcome), '0 passed, 1 failed')
    t.equal(outcome.status, 1)
  })
})

function parse(tap: string): { total: Tally; files: string[] } {
  const files: string[] = []
  const parser = new TallyParser({
    file: (path, tally, milliseconds) => files.push(`${path}: ${tally}, ${milliseconds} ms`),
    print: () => {},
  })
  parser.stream.end(tap)
  return { total: parser.total, files }
}

/** A project with this one's settings and runner, and with test files of its own. */
function project(root: string, tests: Readonly<Record<string, string>>): string {
  for (const file of ['.taprc', 'tsconfig.json', 'package.json', 'scripts']) {
    cpSync(join(ROOT, file), join(root, file), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  mkdirSync(join(root, 'test'))
  for (const [name, text] of Object.entries(tests)) writeFileSync(join(root, 'test', `${name}.test.ts`), text)
  return root
}

function lastLine({ stdout }: Outcome): string {
  return stdout.trimEnd().split('\n').at(-1) ?? ''
}

const RUN = ['--require', 'ts-node/register', 'scripts/run-tests.ts']
