import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** One change of one source file. */
export interface Mutant {
  /** Path below src, for example `batch/messages.ts`. */
  readonly file: string
  readonly line: number
  readonly start: number
  readonly end: number
  readonly original: string
  readonly mutated: string
}

/** All mutants of the sources in `folder` of `src`. */
export function mutantsOf(src: string, folder: string): Mutant[] {
  const files = readdirSync(join(src, folder)).filter((name) => name.endsWith('.ts'))
  return files.flatMap((name) => mutantsOfFile(src, `${folder}/${name}`))
}

function mutantsOfFile(src: string, file: string): Mutant[] {
  const text = readFileSync(join(src, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const found = new Map<string, Mutant>()
  const add = (node: ts.Node, mutated: string) => {
    const start = node.getStart(source)
    const original = node.getText(source)
    const line = source.getLineAndCharacterOfPosition(start).line + 1
    found.set(`${start} ${original} ${mutated}`, { file, line, start, end: node.end, original, mutated })
  }
  const visit = (node: ts.Node): void => {
    if (isTypeOnly(node)) return
    mutate(node, add)
    if (!buildsError(node)) ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found.values()]
}

type Add = (node: ts.Node, mutated: string) => void

function mutate(node: ts.Node, add: Add): void {
  if (ts.isBinaryExpression(node) && !joinsText(node)) {
    for (const other of OPERATORS[node.operatorToken.getText()] ?? []) add(node.operatorToken, other)
  } else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false')
  else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true')
  else if (ts.isNumericLiteral(node) && node.text === '0') add(node, '1')
  else if (ts.isNumericLiteral(node) && node.text === '1') {
    const isNegative = ts.isPrefixUnaryExpression(node.parent) && node.parent.operator === ts.SyntaxKind.MinusToken
    if (isNegative) add(node.parent, '1')
    else add(node, '0')
  } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    add(node, node.operand.getText())
  } else mutateStatement(node, add)
}

function mutateStatement(node: ts.Node, add: Add): void {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) negate(node.expression, add)
  else if (ts.isConditionalExpression(node)) negate(node.condition, add)
  else if (ts.isReturnStatement(node) && node.expression === undefined) add(node, ';')
  else if (ts.isBreakStatement(node) || ts.isContinueStatement(node) || ts.isThrowStatement(node)) add(node, ';')
  else if (ts.isExpressionStatement(node) && !node.getText().startsWith('super(')) add(node, ';')
}

// A comparison or a negation is mutated already.
function negate(condition: ts.Expression, add: Add): void {
  if (ts.isBinaryExpression(condition) && COMPARISON.test(condition.operatorToken.getText())) return
  if (!ts.isPrefixUnaryExpression(condition)) add(condition, `!(${condition.getText()})`)
}

function isTypeOnly(node: ts.Node): boolean {
  const isDeclaration = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)
  return ts.isTypeNode(node) || isDeclaration || ts.isImportDeclaration(node)
}

/**
 * True for code that creates an error or its text: `throw …`, `typeError(…)`, `new Error(…)`, templates, and
 * `const message = …`.
 */
function buildsError(node: ts.Node): boolean {
  if (ts.isThrowStatement(node) || ts.isTemplateExpression(node)) return true
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return /Error$/.test(node.expression.getText())
  return ts.isVariableDeclaration(node) && node.name.getText() === 'message'
}

function joinsText({ left, right, operatorToken }: ts.BinaryExpression): boolean {
  const isText = (side: ts.Expression) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side)
  return operatorToken.kind === ts.SyntaxKind.PlusToken && (isText(left) || isText(right))
}

const COMPARISON = /^([<>]=?|[!=]==)$/

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&': ['|'],
  '|': ['&'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '|=': ['&='],
}
