import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { packBench } from '../../scripts/matrix/project.js'
import { run, succeed } from '../../scripts/matrix/run.js'
import { ROOT } from '../project/support.js'

t.setTimeout(600_000)

const COMPILERS = /^(.*-)?(cc|gcc|g\+\+|c\+\+|c89|c99|clang|tcc|make|gmake|python|pypy|node-gyp|go)([-\d.].*)?$/

/** Fills a folder with every program of the PATH but compilers, make and Python. @returns the folder */
function barePath(folder: string): string {
  mkdirSync(folder)
  const programs = new Map<string, string>()
  // Not the commands of this repository, which npm adds while it runs tests.
  const folders = (process.env.PATH ?? '').split(':').filter((one) => existsSync(one) && !one.endsWith('.bin'))
  for (const from of folders.reverse()) {
    for (const name of readdirSync(from)) programs.set(name, join(from, name))
  }
  for (const [name, target] of programs) {
    if (!COMPILERS.test(name)) symlinkSync(target, join(folder, name))
  }
  return folder
}

t.test('batchconn-bench, from its tarball, without a compiler and without install scripts', async (t) => {
  // Not a folder of tap, which is in this repository: its packages would be found there.
  const work = mkdtempSync(join(tmpdir(), 'batchconn-test-'))
  t.teardown(() => rmSync(work, { recursive: true }))
  const tarball = await packBench(join(work, 'source'))
  const env = { PATH: barePath(join(work, 'bin')) }
  const cwd = join(work, 'user')
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), '{}')
  const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', tarball]
  await succeed('npm', install, { cwd, env })
  const bench = (line: string) => run('npx', ['batchconn-bench', ...line.split(' ')], { cwd, env })
  const page = (name: string) => readFileSync(join(cwd, name), 'utf8')

  t.test('contains programs and their sources, and nothing that is compiled here', async (t) => {
    const { stdout } = await run('tar', ['-tzf', tarball], { cwd })
    const names = stdout.trim().split('\n')
    const others = names.filter((name) => !/^package\/dist\/(bench|src)\/.*\.js$/.test(name))
    t.strictSame(others.sort(), [
      'package/LICENSE',
      'package/README.md',
      'package/dist/bench/peers/README.md',
      'package/dist/bench/peers/c/udp-recv.c',
      'package/dist/bench/peers/c/udp-send.c',
      'package/dist/bench/peers/go/main.go',
      'package/dist/bench/report/report.css',
      'package/dist/scripts/netns.sh',
      'package/package.json',
    ])
    t.ok(names.includes('package/dist/src/internal.js'), 'the library is part of it')
  })

  t.test('send prints the table, and writes a page', async (t) => {
    const { status, stdout, stderr } = await bench('send -t 0.05 -O 0 --rounds 2 --html send.html')
    t.equal(status, 0, stderr)
    t.match(stdout, /^ +sendmsg +sendmmsg +gso$/m)
    t.match(stdout, /^FFI crossing +[\d,.]+ ns/m)
    t.match(stdout, /^Each component in detail: npx batchconn-bench profile$/m)
    t.match(page('send.html'), /<figure id="rates">/)
  })

  t.test('send on threads, and merge', async (t) => {
    for (const name of ['1.json', '2.json']) {
      const { status, stdout, stderr } = await bench('send -t 0.05 -O 0 --rounds 1 --mode sendmmsg --parallel 2 --json')
      t.equal(status, 0, stderr)
      writeFileSync(join(cwd, name), stdout)
    }
    t.match(await bench('merge 1.json 2.json'), { status: 0, stdout: /^sendmmsg, total +[\d,]+/m })
  })

  t.test('compare leaves out the programs that it cannot compile', async (t) => {
    const { status, stdout, stderr } = await bench('compare -t 0.05 -O 0 --rounds 1 --html compare.html')
    t.equal(status, 0, stderr)
    t.match(stdout, /^without c: no C compiler \(cc\) on this host$/m)
    t.match(stdout, /^without go: no Go \(go\) on this host$/m)
    t.match(page('compare.html'), /<figure id="ratios">/)
  })

  t.test('drop-in and probe', async (t) => {
    const { status, stderr } = await bench('drop-in --measure send,round-trip --quick --rounds 1 --html drop-in.html')
    t.equal(status, 0, stderr)
    t.match(page('drop-in.html'), /<figure id="figure-3">/)
    const { stdout } = await bench('probe --json')
    t.match(JSON.parse(stdout), { command: 'probe', features: { sendmmsg: { available: true } } })
  })

  t.test('profile reports the encoder without its package, and all others', async (t) => {
    const { status, stdout, stderr } = await bench(
      'profile --quick --budget 4 --sample 1 --batch 8 --html profile.html',
    )
    t.ok(status === 0 || status === 3, stderr)
    t.match(stdout, /^ {2}encoder\/ref-napi: the package ref-napi is not installed$/m)
    t.match(stdout, /^koffi-encode +\d/m)
    t.notMatch(stdout, /^ref-napi +\d/m)
    t.match(page('profile.html'), /<figure id="breakdown">/)
  })

  t.test('nothing of it is in the package of the library, and both have one version', async (t) => {
    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: join(work, 'source'),
    })
    const [{ files }] = JSON.parse(stdout) as { files: { path: string }[] }[]
    const paths = files.map((file) => file.path)
    t.ok(paths.includes('package.json'))
    t.strictSame(
      paths.filter((name) => name.startsWith('bench')),
      [],
    )
    const [own, other] = ['package.json', 'bench/package.json'].map((name) => readFileSync(join(ROOT, name), 'utf8'))
    t.equal(JSON.parse(own).version, JSON.parse(other).version)
  })
})
