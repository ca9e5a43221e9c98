import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import * as constants from '../src/libc/constants.js'
import { type Structs, structs } from '../src/libc/structs.js'

/** An assumption of the library about a constant, size or offset in C. */
export interface Claim {
  /** Name in the library: `SOL_SOCKET`, `msghdr.iov`. */
  readonly name: string
  /** The same as a C expression. */
  readonly expression: string
  readonly value: number
}

/** Result of comparing a claim with this machine's headers. */
export interface Finding extends Claim {
  /** Value in C; undefined if the headers do not define the expression. */
  readonly actual: number | undefined
}

/** How to compile and run for another C library or machine. */
export interface Target {
  /** Flags of the compiler. */
  readonly flags?: readonly string[]
  /** Command that runs the compiled program. */
  readonly emulator?: readonly string[]
}

/**
 * Every constant of src/libc/constants.ts, and every size and offset of src/libc/structs.ts.
 *
 * @param layouts - default: those of this machine
 */
export function claims(layouts: Structs = structs()): Claim[] {
  return [...constantClaims(constants), ...structClaims(layouts)]
}

/** Compares the claims with the C headers. */
export function compare(claims: readonly Claim[], compiler: string, target: Target = {}): Finding[] {
  const known = new Map<string, number>()
  const compiled = compile(claims, compiler, target)
  for (const [expression = '', value] of compiled
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))) {
    known.set(expression, Number(value))
  }
  return claims.map((claim) => ({ ...claim, actual: known.get(claim.expression) }))
}

/** Path of the C compiler, if there is one. */
export function findCompiler(): string | undefined {
  return ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0)
}

function constantClaims(module: Readonly<Record<string, unknown>>): Claim[] {
  return Object.entries(module)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number' && !(entry[0] in NOT_IN_C))
    .map(([name, value]) => ({ name, expression: EXPRESSIONS[name] ?? name, value }))
}

/** Constants that the C headers do not define, each with the reason. */
export const NOT_IN_C: Readonly<Record<string, string>> = {}

/** Constants that have another spelling in C. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  MAX_MESSAGES_PER_CALL: 'UIO_MAXIOV',
  SOCKADDR_STORAGE_BYTES: 'sizeof(struct sockaddr_storage)',
}

/** `sockaddrIn6` is `struct sockaddr_in6`. The C names of the members are read from the source of structs.ts. */
function structClaims({ pointerBytes, ...layouts }: Structs): Claim[] {
  const members = memberNames()
  const pointer = { name: 'pointerBytes', expression: 'sizeof(void *)', value: pointerBytes }
  return [
    pointer,
    ...Object.entries(layouts).flatMap(([name, layout]) => {
      const type = `struct ${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
      return Object.entries<number>(layout).map(([member, value]) => {
        if (member === 'bytes') return { name: `${name}.bytes`, expression: `sizeof(${type})`, value }
        const field = members.get(`${name}.${member}`)
        if (field === undefined) throw new Error(`structs.ts has no layoutOf() that names ${name}.${member} in C`)
        return { name: `${name}.${member}`, expression: `offsetof(${type}, ${field})`, value }
      })
    }),
  ]
}

/** Collects `name: layoutOf(type, { member: 'c_name' })`, as `name.member` to `c_name`. */
function memberNames(): Map<string, string> {
  const path = join(__dirname, '..', 'src', 'libc', 'structs.ts')
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found = new Map<string, string>()
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit)
    if (!ts.isPropertyAssignment(node) || !ts.isCallExpression(node.initializer)) return
    const { expression, arguments: given } = node.initializer
    const members = given[1]
    if (expression.getText() !== 'layoutOf' || members === undefined || !ts.isObjectLiteralExpression(members)) return
    for (const member of members.properties) {
      if (!ts.isPropertyAssignment(member) || !ts.isStringLiteral(member.initializer)) continue
      found.set(`${node.name.getText()}.${member.name.getText()}`, member.initializer.text)
    }
  }
  visit(source)
  return found
}

/**
 * Compiles and runs a program that prints the values of the expressions. Leaves out those the compiler does not know.
 */
function compile(claims: readonly Claim[], compiler: string, { flags = [], emulator = [] }: Target): string {
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-headers-'))
  try {
    const [source, program] = [join(folder, 'claims.c'), join(folder, 'claims')]
    const build = (expressions: readonly string[]) => {
      writeFileSync(source, cProgram(expressions))
      const result = spawnSync(compiler, [...flags, '-w', '-o', program, source], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      })
      return result.status === 0 ? undefined : result.stderr
    }
    const expressions = [...new Set(claims.map(({ expression }) => expression))]
    const errors = build(expressions)
    if (errors !== undefined) {
      const isKnown = (expression: string) => build([expression]) === undefined
      const remaining = build(expressions.filter(isKnown))
      if (remaining !== undefined) throw new Error(remaining)
    }
    const [run, ...args] = [...emulator, program]
    return spawnSync(run, args, { encoding: 'utf8' }).stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function cProgram(expressions: readonly string[]): string {
  return [
    '#define _GNU_SOURCE',
    ...HEADERS.map((header) => `#if __has_include(<${header}>)\n#include <${header}>\n#endif`),
    'int main(void) {',
    ...expressions.map((expression) => `  printf("%s\\t%lld\\n", "${expression}", (long long)(${expression}));`),
    '  return 0;',
    '}',
  ].join('\n')
}

/** Header files, in an order in which the kernel's and the C library's do not conflict. */
const HEADERS = [
  ...['stddef.h', 'stdio.h', 'errno.h', 'fcntl.h', 'poll.h', 'time.h', 'sys/epoll.h', 'sys/socket.h', 'sys/uio.h'],
  ...['netinet/in.h', 'netinet/ip.h', 'netinet/udp.h', 'arpa/inet.h', 'net/if.h'],
  ...['linux/errqueue.h', 'linux/sock_diag.h', 'linux/net_tstamp.h', 'linux/filter.h'],
]

function main(): void {
  const compiler = findCompiler()
  if (compiler === undefined) {
    console.log('skipped: there is no C compiler (cc, gcc, clang) on the PATH')
    return
  }
  const findings = compare(claims(), compiler)
  const wrong = findings.filter(({ value, actual }) => value !== actual)
  for (const { name, expression, value, actual } of wrong) {
    console.error(`${name}: ${value} here, ${expression} is ${actual ?? 'unknown'} in C`)
  }
  console.log(`${findings.length - wrong.length} of ${findings.length} agree with the C headers`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}

if (require.main === module) main()
