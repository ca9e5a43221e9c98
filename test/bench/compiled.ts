import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * The benchmark as JavaScript: the folder with its commands, which lasts as long as this process. It lies below
 * node_modules, so that what the commands need is found.
 */
export function compiledBench(): string {
  folder ??= compile()
  return join(folder, 'bench')
}

function compile(): string {
  const cache = join(ROOT, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const target = mkdtempSync(join(cache, 'batchconn-bench-'))
  // Some tests run commands as another user.
  chmodSync(target, 0o755)
  symlinkSync(join(ROOT, 'scripts'), join(target, 'scripts'))
  process.once('exit', () => rmSync(target, { recursive: true, force: true }))
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT)
  for (const path of [...sources('bench'), ...sources('src')]) {
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, path), 'utf8'), {
      compilerOptions: options,
      fileName: join(ROOT, path),
    })
    const output = join(target, path.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(output, outputText)
  }
  for (const path of sources('bench', '.css')) copyFileSync(join(ROOT, path), join(target, path))
  return target
}

/** Returns all source files below a folder of the repository. */
function sources(top: string, extension = '.ts'): string[] {
  const names = readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith(extension)).map((name) => join(top, name))
}

const ROOT = join(__dirname, '..', '..')
let folder: string | undefined
