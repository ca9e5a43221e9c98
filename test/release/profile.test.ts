import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { ProfileDocument } from '../../bench/profile/report/document.js'
import { BenchProcess, bench, missing } from '../bench/support.js'

// Each run starts about eighty processes.
t.setTimeout(600_000)

const QUICK = '--quick --budget 5 --sample 1 --batch 8'
const isRoot = process.getuid?.() === 0

/** Child processes, temporary folders and namespaces of a process. */
function leftovers(pid: number): string[] {
  const folders = readdirSync(tmpdir()).filter((name) => name.includes(`-${pid}-`))
  const namespaces = existsSync('/var/run/netns') ? readdirSync('/var/run/netns') : []
  const workers = spawnSync('pgrep', ['-f', `profile/worker.js .*`], { encoding: 'utf8' }).stdout
  const own = workers.split('\n').filter((one) => one !== '' && parentOf(one) === pid)
  return [...folders, ...namespaces.filter((name) => name.startsWith(`bcp${pid}-`)), ...own]
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return -1
  }
}

const setpriv = isRoot ? missing('setpriv', '--reuid=65534', 'true') : false

t.test('as an ordinary user, from end to end: JSON, HTML, and what root would add', { skip: setpriv }, async (t) => {
  const home = t.testdir()
  chmodSync(home, 0o777)
  const html = join(tmpdir(), `batchconn-test-${process.pid}.html`)
  t.teardown(() => rmSync(html, { force: true }))
  const wrapper = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'] : []
  const env = { ...process.env, HOME: home }
  const { status, stdout, stderr } = await bench('profile', `${QUICK} --json --html ${html}`, { wrapper, env })
  t.ok(status === 0 || status === 3, stderr)
  const document = JSON.parse(stdout) as ProfileDocument
  t.match(document, { kind: 'batchconn-profile', schemaVersion: 2, target: { name: 'loopback' } })
  t.match(document.target.explanation, /because a sink is not available: network namespaces require root\./)
  t.equal(document.withRoot[0], 'a sink with a real device path instead of loopback')
  t.ok(document.measuring.rounds >= 1)
  t.strictSame(
    document.breakdowns.map(({ mode, connected }) => `${mode} ${connected}`),
    ['sendmsg false', 'sendmsg true', 'sendmmsg false', 'sendmmsg true', 'recvmsg false', 'recvmmsg false'],
  )
  t.equal(document.encoders.length, 7)
  t.ok(document.lines.length >= 7)
  t.match(document.answer[0], /^Sending 1400 bytes costs/)
  t.match(readFileSync(html, 'utf8'), /<figure id="breakdown">/)
})

for (const [when, pattern] of [
  ['while the processes start', /starting their processes/],
  ['while the cases warm up', /warming up/],
] as const) {
  t.test(`Ctrl-C in a terminal ${when}: status 130, and nothing is left`, async (t) => {
    const process = new BenchProcess('profile', ['--quick'], { wrapper: ['setsid'] })
    await process.says(pattern)
    const pid = Number(process.child.pid)
    globalThis.process.kill(-pid, 'SIGINT')
    const { status, stderr, stdout } = await process.finished()
    t.equal(status, 130)
    t.equal(stdout, '')
    t.match(stderr, /^profile: interrupted by SIGINT$/m)
    t.notMatch(stderr, /worker|\n {4}at /)
    t.strictSame(leftovers(pid), [])
  })
}

for (const [signal, expected] of [['SIGHUP', 129]] as const) {
  t.test(`${signal} after the first round: the report of the complete rounds`, async (t) => {
    const process = new BenchProcess('profile', '--quick --budget 120 --sample 1 --batch 8'.split(' '))
    await process.says(/^round/m)
    const pid = Number(process.child.pid)
    const { status, stdout, stderr } = await process.end(signal)
    t.equal(status, expected, stderr)
    t.match(stdout, /^PARTIAL RESULT: interrupted after \d+ rounds?/)
    t.match(stdout, /^What limits sendmmsg$/m)
    t.match(stderr, new RegExp(`^profile: interrupted by ${signal}$`, 'm'))
    t.strictSame(leftovers(pid), [])
  })
}

t.test('after SIGKILL the next run removes what is left', async (t) => {
  const killed = new BenchProcess('profile', ['--quick'])
  await killed.says(/starting their processes/)
  const pid = Number(killed.child.pid)
  await killed.end('SIGKILL')
  const folder = join(tmpdir(), `batchconn-bench-code-${namespaceOf()}-${pid}-abcdef`)
  mkdirSync(folder)
  if (isRoot) t.ok(leftovers(pid).length > 1, 'namespaces and a folder are left')
  const next = new BenchProcess('profile', ['--quick'])
  await next.says(/starting their processes/)
  t.strictSame(leftovers(pid), [])
  await next.end('SIGINT')
})

function namespaceOf(): string {
  return spawnSync('readlink', ['/proc/self/ns/pid'], { encoding: 'utf8' }).stdout.replace(/\D/g, '')
}
