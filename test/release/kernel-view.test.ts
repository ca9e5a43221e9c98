import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { installed, type Outcome, ROOT, run } from '../project/support.js'
import { type ChildResult, runChild } from '../support/child.js'
import { compiledPackage } from '../support/compiled.js'
import { buildKernelView, HOOK, type KernelView } from '../support/kernel-view/kernel-view.js'

t.setTimeout(300_000)

const built = buildKernelView()

if (typeof built === 'string') t.plan(0, built)
else {
  t.beforeEach(() => built.reset())
  testPrograms(built)
  testScript()
}

function testPrograms(view: KernelView): void {
  t.test('correct sends and receives pass, in the main thread and in a worker', async (t) => {
    const { code, stderr } = await check(view, 'kernel-view-traffic')
    t.strictSame({ code, stderr }, { code: 0, stderr: '' })
    const { calls, messages, violations, ranges } = view.totals()
    // Each of two threads makes three exchanges of at least four calls each; the largest has 64 messages.
    t.ok(calls >= 24, `${calls} calls`)
    t.ok(messages > 2 * 2 * 64, `${messages} messages`)
    t.ok(ranges > 0, `${ranges} ranges`)
    t.equal(violations, 0)
  })

  t.test('calls that are not made by Koffi are not checked', async (t) => {
    const { code, stderr } = await check(view, 'kernel-view-traffic', { args: ['dgram'] })
    t.strictSame({ code, stderr }, { code: 0, stderr: '' })
    t.strictSame(view.totals(), { calls: 0, messages: 0, violations: 0, ranges: 0 })
  })

  t.test('a process without the hook fails', async (t) => {
    const { signal, stderr } = await runChild('kernel-view-traffic', { wrapper: preload(view) })
    t.equal(signal, 'SIGABRT')
    t.match(stderr, /the process has registered none \(is hook\.cjs loaded\?\)/)
  })

  for (const [call, message] of Object.entries({ sendmsg: 0, sendmmsg: 1, recvmsg: 0, recvmmsg: 1 })) {
    t.test(`the checker finds each fault in a ${call}, and names its field`, async (t) => {
      const flags = ['--expose-gc']
      const { code, stderr } = await check(view, 'kernel-view-faults', { flags, args: [call], keepGoing: true })
      t.equal(code, 0)
      const found = view.violations().map((line) => line.replaceAll(/0x[0-9a-f]+/g, 'ADDRESS'))
      t.strictSame(found, [...expectedLines(call, message)])
      t.equal(view.totals().violations, found.length)
      t.equal(stderr.trim(), view.violations().join('\n'), 'standard error has the same lines')
    })
  }

  for (const where of ['main', 'worker']) {
    t.test(`a violation ends the process (${where} thread)`, async (t) => {
      const args = ['sendmmsg', 'none,iovec one byte too long,name too long', where]
      const { signal, stderr } = await check(view, 'kernel-view-faults', { args })
      t.equal(signal, 'SIGABRT')
      t.match(stderr, /^kernel view: sendmmsg: message 1: msg_iov\[1\]: 101 bytes at .*\n$/)
      const { calls, violations } = view.totals()
      t.strictSame({ calls, violations }, { calls: 2, violations: 1 })
    })
  }
}

function testScript(): void {
  t.test('scripts/kernel-view.ts fails without a checked call and with a violation', async (t) => {
    const root = project(t.testdir())
    const runScript = (...tests: string[]) =>
      run(installed('ts-node'), ['scripts/kernel-view.ts', ...tests.map((name) => `test/${name}.test.ts`)], {
        cwd: root,
      })

    // test/kernel as a whole takes a minute. Without arguments the script runs it, and test/regressions.
    const good = await runScript('kernel/gso', 'kernel/rejected-messages', 'kernel/receive')
    t.match(lastLine(good), /^kernel view: [1-9]\d* calls with [1-9]\d* message headers checked .*, 0 violations$/)
    t.equal(good.status, 0, 'the kernel tests pass', good)

    const idle = await runScript('idle')
    t.match(idle.stdout, /^# \{ total: 1, pass: 1 \}$/m, 'the test that sends nothing passes')
    t.match(idle.stderr, /no call was checked/)
    t.equal(idle.status, 1, 'the script fails')

    const bad = await runScript('bad')
    t.match(bad.stdout, /^kernel view: sendmsg: message 0: msg_name: 17 bytes at /m)
    t.match(lastLine(bad), /, 1 violations$/)
    t.equal(bad.status, 1)
  })
}

/** Runs a program with the checker. */
function check(
  view: KernelView,
  program: string,
  { flags = [], args = [], keepGoing = false }: { flags?: string[]; args?: string[]; keepGoing?: boolean } = {},
): Promise<ChildResult> {
  const wrapper = [...preload(view), ...(keepGoing ? ['BATCHCONN_KERNEL_VIEW_CONTINUE=1'] : [])]
  return runChild(program, { wrapper, flags: ['--require', HOOK, ...flags], args })
}

function preload({ variables }: KernelView): string[] {
  return ['env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)]
}

/** Expected lines for the faults of programs/kernel-view-faults.ts, in their order; three faults cause no line. */
function* expectedLines(call: string, message: number): Generator<string> {
  const isMany = call.includes('mmsg')
  const line = (field: string, bytes: string | number, problem: string) =>
    `kernel view: ${call}: ${field}: ${bytes} bytes at ADDRESS: ${problem}`
  const after = (beyond: string, bytes: number) =>
    `ends ${beyond} after the registered range of ${bytes} bytes at ADDRESS`
  const unknown = 'this address is in no registered range'
  const gone = 'is in the registered range of 100 bytes at ADDRESS, '
  const [name, control, iov] = ['msg_name', 'msg_control', 'msg_iov'].map((field) => `message ${message}: ${field}`)

  yield line(`${iov}[1]`, 101, after('1 byte', 100))
  yield line(`${iov}[1]`, 100, unknown)
  yield line(`${iov}[0]`, 100, unknown)
  yield line(name, 17, after('1 byte', 16))
  yield line(control, 64, after('64 bytes', 64))
  yield line(control, 65, after('1 byte', 64))
  yield line(iov, 48, after('16 bytes', 32))
  yield line(iov, `${2n ** 64n - 1n}`, after(`${2n ** 64n - 33n} bytes`, 32))
  yield line(iov, 32, after('16 bytes', 32))
  yield line(isMany ? 'msgvec' : 'msg', isMany ? 128 : 56, unknown)
  if (isMany) yield line('msgvec', 192, after('64 bytes', 128))
  if (call === 'recvmmsg') yield line('timeout', 16, unknown)
  for (const _ of ['structuredClone', 'postMessage', 'resize', 'WebAssembly.Memory.grow', 'transfer']) {
    yield line(`${iov}[1]`, 100, `${gone}whose ArrayBuffer was detached or resized`)
  }
  for (const _ of ['collected', 'and as much allocated again']) yield line(`${iov}[1]`, 100, `${gone}which was freed`)
  yield line(`${iov}[1]`, 100, `${gone}whose ArrayBuffer was collected`)
}

/** A project with the script, the library, the kernel tests, a test that sends nothing, and one with a violation. */
function project(root: string): string {
  const folders = ['scripts', 'src', 'test/support', 'test/kernel']
  // With the times of the files, so that the compiled ones are up to date.
  const copy = (from: string, to: string) => cpSync(from, to, { recursive: true, preserveTimestamps: true })
  for (const path of ['.taprc', 'tsconfig.json', 'package.json', ...folders]) copy(join(ROOT, path), join(root, path))
  for (const path of folders) copy(join(compiledPackage(), path), join(root, '.tap/js', path))
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  const tests = {
    idle: "t.test('one', async (t) => t.ok(true))",
    bad: `import { HandMade } from './support/programs/kernel-view-message.js'
    t.test('one', async () => {
      const made = new HandMade()
      made.set(0, 'nameLength', 17)
      made.call('sendmsg')
    })`,
  }
  for (const [name, text] of Object.entries(tests)) {
    writeFileSync(join(root, 'test', `${name}.test.ts`), `import t from 'tap'\n${text}\n`)
  }
  return root
}

function lastLine({ stdout }: Outcome): string {
  return stdout.trimEnd().split('\n').at(-1) ?? ''
}
