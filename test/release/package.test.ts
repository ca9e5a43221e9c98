import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'
import { apiReport, REPORT } from '../../scripts/api-report.js'
import { createProject, PAPERS, pack } from '../../scripts/matrix/project.js'
import * as library from '../../src/index.js'
import { clean, installed, ROOT, run } from '../project/support.js'
import { declaredNames, internals } from './internals.js'

t.setTimeout(300_000)

t.test('the package', async (t) => {
  const work = t.testdir()
  const tarball = await pack(join(work, 'source'))

  t.test('contains the built library, its documents, and nothing else', async (t) => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const names = stdout.trim().split('\n')
    t.strictSame(names.map((name) => name.replace(/^package\//, '')).sort(), expectedFiles())
  })

  t.test('publint reports no problem', async (t) =>
    clean(t, await run(installed('publint'), ['run', tarball, '--strict'])),
  )

  t.test('@arethetypeswrong/cli', async (t) =>
    clean(t, await run(installed('attw'), [tarball, '--no-emoji', '--profile', 'node16'])),
  )

  t.test('works in an ESM project', async (t) => {
    const root = join(work, 'esm')
    await createProject(root, tarball, { manifest: { type: 'module' } })
    writeFileSync(
      join(root, 'main.js'),
      `import { createRequire } from 'node:module'
       import { BatchConn, RecvBatch, SendBatch } from 'batchconn'
       import * as all from 'batchconn'
       ${exchange('')}
       import dgram, { createSocket, Socket } from 'batchconn/dgram'
       const cjs = createRequire(import.meta.url)('batchconn')
       const cjsDgram = createRequire(import.meta.url)('batchconn/dgram')
       const isOne = dgram.Socket === Socket && Socket === cjsDgram.Socket && createSocket === cjsDgram.default.createSocket
       const dropIn = await new Promise((resolve) => {
         const socket = createSocket('udp4', (bytes) => socket.close(() => resolve(\`\${bytes}\`)))
         socket.bind(0, '127.0.0.1', () => socket.send('drop-in', socket.address().port))
       })
       const shared = Object.keys(all).filter((name) => all[name] === cjs[name])
       console.log(JSON.stringify({ texts: await exchange(), shared, names: Object.keys(cjs), isOne, dropIn }))`,
    )
    const result = await json(root, 'main.js')
    t.strictSame(result.texts, EXCHANGED)
    t.strictSame([result.isOne, result.dropIn], [true, 'drop-in'], 'batchconn/dgram')
    t.strictSame(result.shared, result.names.sort(), 'ESM and CommonJS share one instance of each export')
    t.strictSame(result.names, Object.keys(library).sort())

    const { packages } = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8'))
    const others = Object.keys(packages).filter((name) => !/^node_modules\/@koromix\/koffi-/.test(name))
    t.strictSame(others, ['node_modules/batchconn', 'node_modules/koffi'], 'koffi is the only dependency')
  })

  t.test('works in a CommonJS project', async (t) => {
    const root = join(work, 'cjs')
    await createProject(root, tarball)
    writeFileSync(
      join(root, 'main.js'),
      `const { BatchConn, RecvBatch, SendBatch } = require('batchconn')
       ${exchange('')}
       const { version } = require('batchconn/package.json')
       exchange().then((texts) => console.log(JSON.stringify({ texts, version })))`,
    )
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    t.strictSame(await json(root, 'main.js'), { texts: EXCHANGED, version })
    const { stderr } = await run(process.execPath, ['-e', "require('batchconn/dist/libc/libc.js')"], { cwd: root })
    t.match(stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/, 'internal files cannot be imported')
  })

  t.test('works in a TypeScript project', async (t) => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const packages = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`)
    const root = join(work, 'typescript')
    await createProject(root, tarball, { manifest: { type: 'module' }, packages })
    const main = `import { BatchConn, RecvBatch, SendBatch } from 'batchconn'
      import { createSocket } from 'batchconn/dgram'
      ${exchange(': string[]')}
      export function listen(socket = createSocket('udp4')): number[] {
        const seen: number[] = []
        socket.on('message', (bytes, { port, ecn }) => seen.push(bytes.readUInt8(0), port, ecn ?? 0))
        socket.once('batch', (batch) => seen.push(batch.size(0))).on('error', ({ message }) => seen.push(message.length))
        return seen
      }
      exchange().then((texts: string[]) => console.log(JSON.stringify({ texts })))
      // @ts-expect-error: internal
      export const slots = new SendBatch().slots`
    writeFileSync(join(root, 'main.ts'), main)
    writeFileSync(join(root, 'main.cts'), main)
    const compilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
      ...{ target: 'es2022', module: 'nodenext', types: ['node'] },
    }
    writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    clean(t, await run(join(root, 'node_modules', '.bin', 'tsc'), [], { cwd: root }))
    t.strictSame(await json(root, 'main.js'), { texts: EXCHANGED })
    t.strictSame(await json(root, 'main.cjs'), { texts: EXCHANGED })
  })

  t.test('the report of the public API is up to date (npm run api-report)', async (t) => {
    t.equal(apiReport(join(work, 'cjs', 'node_modules', 'batchconn')), readFileSync(join(ROOT, REPORT), 'utf8'))
  })

  t.test('internal declarations are not in the types', async (t) => {
    const types = join(work, 'cjs', 'node_modules', 'batchconn', 'dist')
    const internal = internals(join(ROOT, 'src'))
    t.ok(internal.length > 5, `${internal.length} declarations are marked as internal`)
    for (const { file, name } of internal) {
      const names = declaredNames(join(types, file.replace(/ts$/, 'd.ts')))
      t.notOk(names.includes(name), `${file}: ${name}`)
    }
    t.strictSame(brokenLinks(join(types, '..')), [], 'every link of the documentation points to a file of the package')
    for (const file of reachable(join(types, 'index.d.ts'))) {
      t.notMatch(readFileSync(file, 'utf8'), /@internal|'koffi'/, relative(types, file))
    }
  })
})

/**
 * Relative links in the Markdown files of a package, and mentions of Markdown files in its types, whose targets do not
 * exist.
 */
function brokenLinks(root: string): string[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return files.flatMap((file) => {
    if (file.endsWith('.md')) {
      const links = Array.from(
        readFileSync(join(root, file), 'utf8').matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g),
        ([, link]) => link,
      )
      const relativeLinks = links.filter((link) => !/^[a-z]+:/.test(link))
      return relativeLinks
        .filter((link) => !existsSync(join(root, dirname(file), link)))
        .map((link) => `${file}: ${link}`)
    }
    if (!file.endsWith('.d.ts')) return []
    const mentions = Array.from(
      readFileSync(join(root, file), 'utf8').matchAll(/\bdocs\/[\w-]+\.md\b/g),
      ([mention]) => mention,
    )
    return mentions.filter((mention) => !existsSync(join(root, mention))).map((mention) => `${file}: ${mention}`)
  })
}

function expectedFiles(): string[] {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  const built = sources
    .filter((name) => name.endsWith('.ts') && name !== 'internal.ts')
    .map((name) => `dist/${name.slice(0, -'.ts'.length)}`)
    .flatMap((name) => [`${name}.js`, `${name}.d.ts`])
  const papers = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
  )
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const entries = Object.values<{ import?: Record<string, string> }>(exports)
  const wrappers = entries.flatMap((entry) => Object.values(entry.import ?? {})).map((path) => path.replace('./', ''))
  return [...built, ...wrappers, 'package.json', ...PAPERS, ...papers].sort()
}

/** Source of a function that sends two datagrams over loopback and returns what was received. */
function exchange(arrayType: string): string {
  return `
    async function exchange() {
      const receiver = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
      const sender = BatchConn.open().connect(receiver.localAddress)
      const outgoing = new SendBatch({ capacity: 2 })
      outgoing.append('one')
      outgoing.append(['t', Buffer.from('wo')])
      const sent = sender.send(outgoing)
      const inbox = new RecvBatch({ capacity: 4 })
      const texts${arrayType} = []
      while (texts.length < sent) {
        await receiver.readable({ signal: AbortSignal.timeout(10_000) })
        receiver.recv(inbox)
        for (const datagram of inbox) texts.push(datagram.bytes.toString())
      }
      for (const conn of [sender, receiver]) conn.close()
      return texts
    }`
}

const EXCHANGED = ['one', 'two']

async function json(root: string, program: string) {
  const { status, stdout, stderr } = await run(process.execPath, [program], { cwd: root })
  if (status !== 0 || stderr !== '') throw new Error(`${program}: ${status} ${stderr}`)
  return JSON.parse(stdout)
}

/** Returns a declaration file and all it imports, directly or not. */
function reachable(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/from '(\..+)\.js'/g)) {
    reachable(resolve(dirname(file), `${name}.d.ts`), seen)
  }
  return seen
}
