import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import ts from 'typescript'

/** A forbidden import. */
export interface Violation {
  /** Path below the root, with the line: `src/layout/message.ts:3`. */
  readonly where: string
  readonly message: string
}

/** Direct dependencies of each folder of src/. A folder may import these and everything below them. */
const DIRECTLY_BELOW: Readonly<Record<string, readonly string[]>> = {
  dgram: ['probe'],
  probe: ['socket'],
  socket: ['loop', 'batch'],
  loop: ['memory'],
  batch: ['endpoint'],
  endpoint: ['memory'],
  memory: ['layout'],
  layout: ['libc'],
  libc: ['arguments'],
  arguments: [],
}

/** Files directly in src/: they may import every folder, and nothing in src/ may import them. */
const DOORS = ['index', 'internal']

/** Entry points of the library that the folders beside src/ may import. Folders not named here have no restriction. */
const DOORS_FOR: Readonly<Record<string, readonly string[]>> = {
  bench: ['index', 'dgram/index', 'internal'],
  examples: ['index', 'dgram/index', 'dgram/register'],
}

/**
 * The folders of bench/, from top to bottom: each imports those below it, and no folder of its own line. main.ts, directly in
 * bench/, imports every folder, and the commands beside it import main.ts; peers/ has programs in other languages only.
 */
const BENCH_LAYERS: readonly (readonly string[])[] = [
  ['latency'],
  ['throughput', 'drop-in', 'profile'],
  ['options'],
  ['engine'],
  ['control'],
  ['traffic'],
  ['children'],
  ['report'],
  ['stats'],
  ['cli'],
]

/** Checks that all imports below `root` follow the layers, and that the files of `src` and `bench` have no import cycle. */
export function checkImports(root: string): Violation[] {
  const violations = ['src', ...Object.keys(DOORS_FOR)].flatMap((top) =>
    sourceFiles(join(root, top)).flatMap((file) => checkFile(root, file)),
  )
  return [...violations, ...findCycles(root)]
}

/**
 * Returns one violation per import that closes a cycle. Type imports count: two files that import each other's types
 * are a cycle.
 */
function findCycles(root: string): Violation[] {
  const files = ['src', 'bench'].flatMap((top) =>
    sourceFiles(join(root, top)).map((file) => relative(root, file).split(sep).join('/')),
  )
  const imports = new Map(files.map((file) => [file, importedFiles(root, file)]))
  const found: Violation[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      const cycle = [...path.slice(start), file]
      found.push({ where: path[path.length - 1], message: `import cycle: ${cycle.join(' > ')}` })
      return
    }
    if (done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}

function importedFiles(root: string, file: string): string[] {
  const path = join(root, file)
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  return importsOf(source).flatMap(({ specifier }) => {
    if (specifier?.startsWith('.') !== true) return []
    const target = resolve(dirname(path), specifier).replace(MODULE_ENDING, '.ts')
    return [relative(root, target).split(sep).join('/')]
  })
}

function checkFile(root: string, file: string): Violation[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const path = relative(root, file).split(sep)
  return importsOf(source).flatMap(({ specifier, node }) => {
    const message = specifier === undefined ? 'the imported name must be a literal' : judge(path, specifier)
    if (message === undefined) return []
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
    return [{ where: `${path.join('/')}:${line + 1}`, message }]
  })
}

/** Returns the reason why an import is forbidden; undefined if it is allowed. */
function judge(path: readonly string[], specifier: string): string | undefined {
  const [top] = path
  if (!specifier.startsWith('.')) return top === 'src' ? judgePackage(path, specifier) : undefined
  const target = resolve('/', ...path.slice(0, -1), specifier)
    .split(sep)
    .slice(1)
  if (top === 'src') return judgeLayer(path, target)
  return judgeDoor(path, target) ?? (top === 'bench' && target[0] === 'bench' ? judgeBench(path, target) : undefined)
}

function judgeBench(path: readonly string[], target: readonly string[]): string | undefined {
  const [from, to] = [placeOf(path), placeOf(target)]
  const isCommand = path.length === 2
  const levelOf = (folder: string) => BENCH_LAYERS.findIndex((folders) => folders.includes(folder))
  if (target.length === 2) {
    return isCommand && to === 'main' ? undefined : `nothing imports bench/${to}, and only the commands bench/main`
  }
  const [own, other] = [isCommand ? -1 : levelOf(from), levelOf(to)]
  if (!isCommand && own < 0) return `'${from}' has no place in the layers of bench/`
  if (other < 0) return `'${to}' has no place in the layers of bench/`
  if ((!isCommand && from === to) || own < other) return undefined
  return `bench/${from} is not above bench/${to}`
}

function judgePackage(path: readonly string[], specifier: string): string | undefined {
  if (specifier === 'koffi') return path[1] === 'libc' ? undefined : 'only src/libc/ imports koffi'
  if (!isBuiltin(specifier)) return `src/ imports nothing but koffi and Node's own modules, not '${specifier}'`
  return specifier.startsWith('node:') ? undefined : `write 'node:${specifier}'`
}

function judgeLayer(path: readonly string[], target: readonly string[]): string | undefined {
  const from = placeOf(path)
  const to = placeOf(target)
  if (target[0] !== 'src') return `src/ does not import ${target.join('/')}`
  if (!DOORS.includes(from) && !(from in DIRECTLY_BELOW)) return `'${from}' has no place in the layers yet`
  if (DOORS.includes(to)) return `nothing in src/ imports src/${to}`
  if (from === to || DOORS.includes(from) || below(from).has(to)) return undefined
  return `${from} is not above ${to}`
}

function judgeDoor(path: readonly string[], target: readonly string[]): string | undefined {
  const [top = ''] = path
  const doors = DOORS_FOR[top] ?? []
  const door = target.slice(1).join('/').replace(MODULE_ENDING, '')
  if (target[0] === top || (target[0] === 'src' && doors.includes(door))) return undefined
  const allowed = doors.map((door) => `src/${door}`).join(' or ')
  return `${top}/ imports ${allowed}, not ${target.join('/')}`
}

/** Folder of src/ that contains the file; for a file directly in src/, its name without the extension. */
function placeOf(path: readonly string[]): string {
  return path[1]?.replace(MODULE_ENDING, '') ?? ''
}

const MODULE_ENDING = /\.[cm]?[jt]s$/

function below(layer: string): Set<string> {
  const direct = DIRECTLY_BELOW[layer] ?? []
  return new Set([...direct, ...direct.flatMap((name) => [...below(name)])])
}

interface Import {
  /** Imported module; undefined if it is known at run time only. */
  readonly specifier: string | undefined
  readonly node: ts.Node
}

/** All syntaxes that name another module: import, export from, import(), require() and import types. */
function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    const named = importedBy(node)
    if (named !== undefined) found.push({ specifier: ts.isStringLiteralLike(named) ? named.text : undefined, node })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function importedBy(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isExternalModuleReference(node)) return node.expression
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument
  if (!ts.isCallExpression(node)) return undefined
  const { expression } = node
  const isImport = expression.kind === ts.SyntaxKind.ImportKeyword
  const isRequire =
    (ts.isIdentifier(expression) && expression.text === 'require') ||
    (ts.isPropertyAccessExpression(expression) && expression.getText() === 'require.resolve')
  return isImport || isRequire ? node.arguments[0] : undefined
}

function sourceFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

if (require.main === module) {
  const violations = checkImports(dirname(__dirname))
  for (const { where, message } of violations) console.error(`${where}: ${message}`)
  process.exitCode = violations.length === 0 ? 0 : 1
}
