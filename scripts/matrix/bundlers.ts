import { type Cell, expectExchange } from './cell.js'
import { createProject, exchangeInJavaScript } from './project.js'
import { run, succeed } from './run.js'

/** A bundler that makes one file of the program that sends and receives. */
interface Bundle {
  readonly name: string
  readonly packages: readonly string[]
  /** Arguments for npx. */
  readonly command: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  /** Name of the bundle. */
  readonly output: `bundle.${'cjs' | 'mjs'}`
  /** Default true. False if Koffi is not left external: the bundle fails, and its error must name the cure. */
  readonly isCorrect?: boolean
}

const esbuild = (name: string, output: Bundle['output'], args: readonly string[], isCorrect = true): Bundle => ({
  name: `esbuild-${name}`,
  packages: ['esbuild@0.28'],
  command: ['esbuild', 'main.mjs', '--bundle', '--platform=node', '--log-level=error', `--outfile=${output}`, ...args],
  output,
  isCorrect,
})

const webpack = (name: string, output: Bundle['output'], config: string, isCorrect = true): Bundle => ({
  name: `webpack-${name}`,
  packages: ['webpack@5', 'webpack-cli@7'],
  command: ['webpack', '--config', 'webpack.cjs'],
  files: {
    'webpack.cjs': `module.exports = {
  mode: 'none', target: 'node20', entry: './main.mjs', ${config},
  output: { path: __dirname, filename: '${output}', module: ${output.endsWith('mjs')} } }`,
  },
  output,
  isCorrect,
})

const rollup = (name: string, output: Bundle['output'], config: string, isCorrect = true): Bundle => ({
  name: `rollup-${name}`,
  packages: ['rollup@4', '@rollup/plugin-commonjs@29', '@rollup/plugin-node-resolve@16'],
  command: ['rollup', '--config', 'rollup.mjs'],
  files: {
    'rollup.mjs': `import commonjs from '@rollup/plugin-commonjs'
import resolve from '@rollup/plugin-node-resolve'
const format = '${output.endsWith('cjs') ? 'cjs' : 'es'}'
export default { input: 'main.mjs', plugins: [resolve(), commonjs()], output: { file: '${output}', format }, ${config} }`,
  },
  output,
  isCorrect,
})

const BANNER =
  "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const OUTPUT_MODULE = 'experiments: { outputModule: true }'

const BUNDLES: readonly Bundle[] = [
  esbuild('cjs', 'bundle.cjs', ['--external:koffi']),
  esbuild('esm', 'bundle.mjs', ['--format=esm', '--external:batchconn']),
  esbuild('esm-banner', 'bundle.mjs', ['--format=esm', '--external:koffi', BANNER]),
  esbuild('without', 'bundle.cjs', [], false),
  webpack('cjs', 'bundle.cjs', "externals: { koffi: 'commonjs koffi' }"),
  webpack('esm', 'bundle.mjs', `${OUTPUT_MODULE}, externals: { koffi: 'module koffi' }`),
  webpack('without', 'bundle.cjs', 'externals: {}', false),
  rollup('cjs', 'bundle.cjs', "external: ['koffi']"),
  rollup('esm', 'bundle.mjs', "external: ['koffi']"),
  rollup('without', 'bundle.mjs', '', false),
]

export const BUNDLERS: readonly Cell[] = BUNDLES.map(({ isCorrect = true, ...bundle }) => ({
  name: bundle.name,
  run: async (folder, tarball) => {
    const files = { ...exchangeInJavaScript('mjs'), ...bundle.files }
    await createProject(folder, tarball, { packages: bundle.packages, files })
    await succeed('npx', bundle.command, { cwd: folder })
    const result = await run('node', [bundle.output], { cwd: folder })
    if (isCorrect) {
      if (result.stderr !== '' || result.status !== 0) throw new Error(result.stderr)
      expectExchange(result.stdout)
      return 'the bundle sends and receives'
    }
    if (result.status === 0) throw new Error('a bundle that contains Koffi works: change the documentation')
    if (!ADVICE.test(result.stderr)) throw new Error(`the error does not name the cure: ${result.stderr}`)
    return 'the error of the bundle names the cure'
  },
}))

const ADVICE = /if you use a bundler, mark koffi as external/
