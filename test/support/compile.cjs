const {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} = require('node:fs')
const { dirname, join, relative } = require('node:path')

const ROOT = join(__dirname, '..', '..')
const TARGET = join(ROOT, '.tap', 'js')
const FOLDERS = ['src', 'bench', 'examples', 'scripts', 'test']

/** Compiles a source file if its output is not up to date. Returns the path of the output. */
function compileFile(source) {
  const isTypeScript = source.endsWith('.ts')
  const target = join(TARGET, relative(ROOT, source).replace(/\.ts$/, '.js'))
  const stamp = Math.max(modified(source), modified(__filename))
  if (modified(target) === stamp) return target
  mkdirSync(dirname(target), { recursive: true })
  // Other processes may read or write the same output now: they must never see a part of it.
  const unfinished = `${target}.${process.pid}`
  if (isTypeScript) writeFileSync(unfinished, transpile(readFileSync(source, 'utf8'), source))
  else copyFileSync(source, unfinished)
  utimesSync(unfinished, stamp / 1000, stamp / 1000)
  renameSync(unfinished, target)
  return target
}

/** Compiles all sources and copies the files between them. Returns the output's folder. */
function compileAll() {
  // This file is itself part of the output.
  if (ROOT.endsWith(join('.tap', 'js'))) return ROOT
  for (const folder of FOLDERS.filter((name) => existsSync(join(ROOT, name)))) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) compileFile(join(entry.parentPath, entry.name))
    }
  }
  return TARGET
}

/** The library is compiled as by the build, so that its exports are those published; the rest by swc, which is fast. */
function transpile(text, filename) {
  return filename.startsWith(join(ROOT, 'src')) ? byTypeScript(text, filename) : bySwc(text, filename)
}

function byTypeScript(text, fileName) {
  const { ModuleKind, ScriptTarget, transpileModule } = require('typescript')
  const compilerOptions = {
    module: ModuleKind.NodeNext,
    target: ScriptTarget.ES2022,
    esModuleInterop: true,
    inlineSourceMap: true,
  }
  return transpileModule(text, { fileName, compilerOptions }).outputText
}

function bySwc(text, filename) {
  const { transformSync } = require('@swc/core')
  return transformSync(text, {
    filename,
    swcrc: false,
    sourceMaps: 'inline',
    module: { type: 'commonjs', strictMode: true, ignoreDynamic: true, exportInteropAnnotation: true },
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022', keepClassNames: true },
  }).code
}

/** Time of the last change, rounded to ms; undefined if there is no such file. */
function modified(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats && Math.round(stats.mtimeMs)
}

module.exports = { compileFile, compileAll }
