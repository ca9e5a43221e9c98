import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { clean, installed, ROOT, run } from './support.js'

t.setTimeout(300_000)

t.test('tsc reports no error', async (t) => clean(t, await run(installed('tsc'), ['--noEmit'])))

t.test('biome reports no error', async (t) => clean(t, await run(installed('biome'), ['check', '.'])))

t.test('the lockfile contains no registry URL', async (t) => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string }>
  }
  const resolved = Object.values(packages).flatMap((one) => one.resolved ?? [])
  t.strictSame(resolved, ['bench'], 'the link to the workspace')
})

t.test('the only runtime dependency is koffi, and the package installs on every platform', async (t) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  t.strictSame(Object.keys(manifest.dependencies), ['koffi'])
  t.hasStrict(manifest, { name: 'batchconn', license: 'MIT', engines: { node: '>=20.19' } })
  for (const field of ['os', 'cpu', 'libc', 'peerDependencies', 'optionalDependencies']) t.notHas(manifest, field)
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) t.notHas(manifest.scripts, hook)
})

const hasReadme = existsSync(join(ROOT, 'README.md'))

t.test('the README and CI use the same commands', { skip: !hasReadme && 'there is no README.md' }, async (t) => {
  for (const command of ['npm ci && npx ts-node bench/send.ts', 'npm ci && npm test']) {
    for (const file of ['README.md', '.ci/run']) t.ok(readFileSync(join(ROOT, file), 'utf8').includes(command), file)
  }
})

t.test('the scripts that workflows and documents name exist', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const listed = ['.github', 'docs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const files = ['README.md', 'CONTRIBUTING.md', ...listed.filter((name) => /\.(md|yml)$/.test(name))]
  const named = files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    return Array.from(text.matchAll(/npm run ([\w:-]+)|(?:bash|npx ts-node) ([\w./-]+)/g), (match) => ({ file, match }))
  })
  t.ok(named.length > 10)
  for (const { file, match } of named) {
    const [command, script, path] = match
    t.ok(script === undefined ? existsSync(join(ROOT, path)) : script in scripts, `${file}: ${command}`)
  }
})
