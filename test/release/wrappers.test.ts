import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { buildWrappers } from '../../scripts/build-wrappers.js'
import { installed, ROOT, run } from '../project/support.js'

t.setTimeout(300_000)

t.test('the ESM wrapper has the exports of the CommonJS build, including the default export', async (t) => {
  const root = project(t.testdir(), {
    'index.js': 'exports.__esModule = true\nexports.open = () => 1\nexports.Conn = class {}',
    'index.d.ts': 'export declare function open(): number\nexport declare class Conn {}\nexport type Size = 1 | 2',
    'deep/index.js':
      'exports.__esModule = true\nexports.create = () => 2\nexports.default = { create: exports.create }',
    'deep/index.d.ts':
      'export declare function create(): number\ndeclare const all: { create: typeof create }\nexport default all',
  })
  const written = buildWrappers(root).map((file) => file.slice(root.length + 1))
  t.strictSame(written, ['index.mjs', 'index.d.mts', 'deep/index.mjs', 'deep/index.d.mts'])

  const user = `
    import { createRequire } from 'node:module'
    import * as library from 'library'
    import { type Size, Conn } from 'library'
    import deep, { create } from 'library/deep'
    const size: Size = 2
    const names: string[] = Object.keys(library)
    const total: number = deep.create() + create()
    const shared: boolean = createRequire(import.meta.url)('library').Conn === Conn
    console.log(JSON.stringify({ size, names, total, shared }))
  `
  writeFileSync(join(root, 'user.mts'), user)
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node']
  t.match(await run(installed('tsc'), [...options, 'user.mts'], { cwd: root }), { status: 0, stdout: '' })
  const { stdout } = await run(process.execPath, ['user.mjs'], { cwd: root })
  t.strictSame(JSON.parse(stdout), { size: 2, names: ['Conn', 'open'], total: 4, shared: true })
})

t.test('an entry without exports is an error', async (t) => {
  const root = project(t.testdir(), { 'index.js': '', 'deep/index.js': 'exports.a = 1' })
  t.throws(() => buildWrappers(root), /index.js exports nothing/)
})

/** A package with two entries that imports itself by its name. */
function project(root: string, files: Readonly<Record<string, string>>): string {
  const side = (folder: string, types: string, code: string) => ({
    types: `./${folder}index.${types}`,
    default: `./${folder}index.${code}`,
  })
  const entry = (folder: string) => ({
    import: side(folder, 'd.mts', 'mjs'),
    require: side(folder, 'd.ts', 'js'),
  })
  const exports = { '.': entry(''), './deep': entry('deep/'), './package.json': './package.json' }
  for (const [path, text] of Object.entries({
    ...files,
    'package.json': JSON.stringify({ name: 'library', exports }),
  })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  return root
}
