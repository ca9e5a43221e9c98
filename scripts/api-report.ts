import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** The report, below the root of this repository. */
export const REPORT = 'test/types/public-api.md'

/**
 * Returns the public declarations of a built package, as Markdown: the exports of each entry, and every declaration of the
 * package that they refer to, without comments.
 *
 * @param root - folder of the package, with `package.json` and `dist`
 */
export function apiReport(root: string): string {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entries = Object.entries<{ require?: { types: string } }>(exports).flatMap(([name, { require: files }]) =>
    files === undefined ? [] : [{ name: join('batchconn', name), path: join(root, files.types) }],
  )
  const program = ts.createProgram(
    entries.map(({ path }) => path),
    { module: ts.ModuleKind.NodeNext, noLib: true, types: [], strict: true },
  )
  const declarations = new Declarations(program, join(root, 'dist'))
  const lists = entries.map(({ name, path }) => `## ${name}\n\n${code(declarations.exportsOf(path))}`)
  return `${TITLE}\n${lists.join('\n')}\n## Declarations\n\n${code(declarations.texts())}`
}

/** The declarations of a package that are reachable from its exports. */
class Declarations {
  readonly #checker: ts.TypeChecker
  readonly #program: ts.Program
  readonly #root: string
  readonly #texts = new Map<ts.Node, string>()
  readonly #printer = ts.createPrinter({ removeComments: true })

  constructor(program: ts.Program, root: string) {
    this.#program = program
    this.#checker = program.getTypeChecker()
    this.#root = root
  }

  /** Returns the names that an entry exports, and collects their declarations. */
  exportsOf(path: string): string[] {
    const source = this.#program.getSourceFile(path)
    const module = source && this.#checker.getSymbolAtLocation(source)
    if (module === undefined) return ['export {}']
    return this.#checker.getExportsOfModule(module).map((symbol) => {
      this.#add(symbol)
      return `export ${symbol.name}`
    })
  }

  /** Returns the collected declarations, ordered by their text. */
  texts(): string[] {
    return [...new Set(this.#texts.values())].sort()
  }

  #add(symbol: ts.Symbol): void {
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol
    for (const declaration of target.declarations ?? []) {
      const statement = statementOf(declaration)
      const source = declaration.getSourceFile()
      if (statement === undefined || !source.fileName.startsWith(this.#root) || this.#texts.has(statement)) continue
      const text = this.#printer.printNode(ts.EmitHint.Unspecified, statement, source)
      this.#texts.set(statement, text.replace(/^export (default )?/, '').replace(/^declare /, ''))
      this.#addReferences(statement)
    }
  }

  #addReferences(node: ts.Node): void {
    ts.forEachChild(node, (child) => {
      // Callers cannot use what only protected members refer to.
      if (ts.canHaveModifiers(child) && child.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ProtectedKeyword))
        return
      if (ts.isIdentifier(child)) {
        const symbol = this.#checker.getSymbolAtLocation(child)
        if (symbol !== undefined) this.#add(symbol)
      }
      this.#addReferences(child)
    })
  }
}

/** Returns the statement of a declaration, if it is a statement of its file and no import or export. */
function statementOf(declaration: ts.Node): ts.Node | undefined {
  if (ts.isSourceFile(declaration)) return undefined
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  return ts.isSourceFile(node.parent) && ts.isStatement(node) && !ts.isExportAssignment(node) ? node : undefined
}

function code(lines: readonly string[]): string {
  return `\`\`\`ts\n${lines.join('\n')}\n\`\`\`\n`
}

const TITLE = `# Public API

Made by \`npm run api-report\` from the built types. A test compares it with them: a change of the public API shows here.
`

if (require.main === module) {
  const root = dirname(__dirname)
  writeFileSync(join(root, REPORT), apiReport(root))
}
