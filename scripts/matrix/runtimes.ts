import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { type Cell, expectExchange, WORKS } from './cell.js'
import { createProject, exchangeInJavaScript, writeProject } from './project.js'
import { run, succeed } from './run.js'

const ROOT = dirname(dirname(__dirname))

const MINUTE_MS = 60_000

/** The suite takes 5 to 15 minutes. */
const SUITE_TIMEOUT_MS = 40 * MINUTE_MS

/** Without the last one, `BatchConn` works, and only a socket of the drop-in fails. */
const DENO_PERMISSIONS = ['--allow-ffi', '--allow-read', '--allow-env', '--allow-net']

/** Versions of Node whose cells run the whole test suite. */
const NODES = [20, 22, 24, 26]

const nodes: Cell[] = NODES.map((version) => ({
  name: `node-${version}`,
  run: async (folder) => {
    const bin = join(await install(folder, `node@${version}`), 'node', 'bin')
    const env = { PATH: `${bin}:${process.env.PATH}`, CI: '1' }
    const used = await succeed('node', ['--version'], { cwd: folder, env })
    const suite = await run('npx', ['tap', '--reporter=terse'], { cwd: ROOT, env, timeoutMs: SUITE_TIMEOUT_MS })
    const output = stripVTControlCharacters(suite.stdout)
    const counts = /^# \{ (total: .*) \}$/m.exec(output)?.[1]
    if (suite.status !== 0 || counts === undefined) throw new Error(`${used}${output.slice(-20_000)}${suite.stderr}`)
    return `the whole suite on ${used.trim()}: ${counts}`
  },
}))

// The permission model of Node 20 cannot allow native addons.
const permissions: Cell[] = NODES.filter((version) => version > 20).map((version) => ({
  name: `permission-${version}`,
  run: async (folder, tarball) => {
    const node = join(await install(folder, `node@${version}`), 'node', 'bin', 'node')
    const project = join(folder, 'project')
    await createProject(project, tarball, { files: exchangeInJavaScript('mjs') })
    const net = version >= 25 ? ['--allow-net'] : []
    const flags = ['--permission', '--allow-addons', ...net, `--allow-fs-read=${project}`]
    expectExchange(await succeed(node, [...flags, 'main.mjs'], { cwd: project }))
    const used = (await succeed(node, ['--version'], { cwd: project })).trim()
    return `Node ${used}: sends, receives and waits with ${flags.join(' ').replace(project, 'PROJECT')}`
  },
}))

const bun: Cell = {
  name: 'bun',
  run: async (folder, tarball) => {
    const program = join(await install(folder, 'bun@1'), '.bin', 'bun')
    const project = join(folder, 'project')
    writeProject(project, { files: exchangeInJavaScript('mjs') })
    const version = await succeed(program, ['--version'], { cwd: project })
    await succeed(program, ['add', tarball], { cwd: project })
    const stdout = await succeed(program, ['main.mjs'], { cwd: project })
    expectExchange(stdout, { ...WORKS, waits: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', isBatching: false })
    return `Bun ${version.trim()}: sends and receives; waiting throws; the drop-in works as node:dgram`
  },
}

const deno: Cell = {
  name: 'deno',
  run: async (folder, tarball) => {
    const program = join(await install(folder, 'deno@2'), '.bin', 'deno')
    const project = join(folder, 'project')
    await createProject(project, tarball, { files: exchangeInJavaScript('mjs') })
    const [version] = (await succeed(program, ['--version'], { cwd: project })).split(' (', 1)
    const stdout = await succeed(program, ['run', ...DENO_PERMISSIONS, 'main.mjs'], { cwd: project })
    expectExchange(stdout, { ...WORKS, isBatching: false })
    return `${version}: sends, receives and waits; the drop-in works as node:dgram`
  },
}

/** Installs a runtime, with its install script. @returns its node_modules */
async function install(folder: string, name: string): Promise<string> {
  await succeed('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', name], { cwd: folder })
  return join(folder, 'node_modules')
}

/** Other runtimes than the Node that runs `npm test`. */
export const RUNTIMES: readonly Cell[] = [...nodes, ...permissions, bun, deno]
