import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** A declaration: a function, class or constant, or a member as `Class.member`. */
export interface Declared {
  /** The source file, below the folder that was searched. */
  readonly file: string
  readonly name: string
}

/** Returns all declarations marked as internal in the sources of a folder. */
export function internals(folder: string): Declared[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return files.flatMap((file) =>
    declarations(join(folder, file))
      .filter(({ comment }) => comment.includes('@internal'))
      .map(({ name }) => ({ file, name })),
  )
}

/** Returns the names that a statement declares. */
export function declaredNames(file: string): string[] {
  return declarations(file).map(({ name }) => name)
}

function declarations(file: string): { name: string; comment: string }[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const commentOf = (node: ts.Node): string =>
    (ts.getLeadingCommentRanges(source.text, node.pos) ?? [])
      .map(({ pos, end }) => source.text.slice(pos, end))
      .at(-1) ?? ''
  return source.statements.flatMap((statement) => {
    const names = namesOf(statement)
    const hasMembers = ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)
    const members = hasMembers ? [...statement.members] : []
    return [
      ...names.map((name) => ({ name, comment: commentOf(statement) })),
      ...members.map((member) => ({ name: `${names[0]}.${memberName(member)}`, comment: commentOf(member) })),
    ]
  })
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText())
  const { name } = statement as ts.Statement & { name?: ts.Node }
  return name === undefined ? [] : [name.getText()]
}

function memberName(member: ts.ClassElement | ts.TypeElement): string {
  return ts.isConstructorDeclaration(member) ? 'constructor' : (member.name?.getText() ?? '')
}
