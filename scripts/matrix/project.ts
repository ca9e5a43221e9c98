import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { succeed } from './run.js'

const ROOT = dirname(dirname(__dirname))

/** Markdown and other files of the package, beside its folders. */
export const PAPERS = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md']

/**
 * Packs this repository as `npm publish` would, from a copy, so that the build does not change the working tree.
 *
 * @param copy - folder to create; the tarball is put beside it
 * @returns path of the tarball
 */
export async function pack(copy: string): Promise<string> {
  mkdirSync(copy)
  const copied = ['src', 'scripts', 'docs', 'examples', ...PAPERS, 'package.json', 'tsconfig.json']
  for (const name of [...copied, 'tsconfig.build.json']) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return npmPack(copy, dirname(copy))
}

async function npmPack(folder: string, target: string): Promise<string> {
  const stdout = await succeed('npm', ['pack', '--json', '--pack-destination', target], { cwd: folder })
  const name = /"filename": "(.+)"/.exec(stdout)?.[1]
  if (name === undefined) throw new Error(`npm pack: ${stdout}`)
  return join(target, name)
}

/** Packs `batchconn-bench` in the same way. @returns path of the tarball */
export async function packBench(copy: string): Promise<string> {
  mkdirSync(copy)
  for (const name of ['src', 'bench', 'scripts/netns.sh', 'LICENSE', 'package.json', 'tsconfig.json']) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return npmPack(join(copy, 'bench'), dirname(copy))
}

/** What a project consists of. */
export interface Project {
  /** Fields of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Packages to install, besides the tarball. */
  readonly packages?: readonly string[]
  /** Additional flags of `npm install`. */
  readonly flags?: readonly string[]
  /** Files to write, by name. */
  readonly files?: Readonly<Record<string, string>>
}

/** Creates a project in a folder, with packages installed without their install scripts. */
export async function createProject(folder: string, tarball: string, project: Project = {}): Promise<void> {
  const { packages = [], flags = [] } = project
  writeProject(folder, project)
  const given = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...flags]
  await succeed('npm', ['install', ...given, tarball, ...packages], { cwd: folder })
}

/** Creates the folder and the files of a project, without packages. */
export function writeProject(folder: string, { manifest, files = {} }: Project): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', ...manifest }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

/** Returns a TypeScript file of this repository, with imports of the library changed to those of the package. */
export function asUser(path: string): string {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return text
    .replaceAll(/'(\.\.\/)+src\/index\.js'/g, "'batchconn'")
    .replaceAll(/'(\.\.\/)+src\/dgram\/index\.js'/g, "'batchconn/dgram'")
    .replaceAll(/'(\.\.\/)+src\/dgram\/register\.js'/g, "'batchconn/register'")
}

/** Returns the files of the program that sends and receives, in TypeScript. */
export function exchangeInTypeScript(extension: 'ts' | 'cts'): Record<string, string> {
  const names = ['exchange', 'main']
  return Object.fromEntries(
    names.map((name) => {
      const text = asUser(`scripts/matrix/programs/${name}.ts`)
      return [`${name}.${extension}`, extension === 'cts' ? text.replace('./exchange.js', './exchange.cjs') : text]
    }),
  )
}

/** Returns the files of the program that sends and receives, in JavaScript. */
export function exchangeInJavaScript(format: 'mjs' | 'cjs'): Record<string, string> {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: format === 'cjs' ? ts.ModuleKind.CommonJS : ts.ModuleKind.ES2022,
    esModuleInterop: true,
  }
  return Object.fromEntries(
    Object.entries(exchangeInTypeScript('ts')).map(([name, text]) => {
      const { outputText } = ts.transpileModule(text, { compilerOptions })
      return [name.replace('.ts', `.${format}`), outputText.replace('./exchange.js', `./exchange.${format}`)]
    }),
  )
}
