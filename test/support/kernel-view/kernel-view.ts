import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCompiler } from '../../../scripts/check-headers.js'
import { libc } from '../../../src/libc/libc.js'

/**
 * Checks the memory that is passed to the kernel. In every `sendmsg`, `sendmmsg`, `recvmsg` and `recvmmsg` that Koffi
 * makes, each pointer that the kernel follows must lie, with its length, in one range of registered and living memory.
 *
 * - `calls.c`, loaded by LD_PRELOAD, interposes the four functions and checks those calls.
 * - `hook.cjs`, loaded by `node --require`, registers each view whose address the library obtains.
 * - `ranges.c` contains the ranges. It interposes `free`: a range ends when its memory is freed, and the address is not
 *   reused, so that a stale pointer is found whenever it is used.
 * - `report.c` prints a violation and aborts the process. A process without the hook fails at its first call.
 */
export interface KernelView {
  /** Adds the checker to the environment of a process that runs node, and of all its children. */
  environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv
  /** Variables that preload the interposed functions. The process needs `--require` with `HOOK` as well. */
  readonly variables: Readonly<Record<string, string>>
  totals(): Totals
  /** The violations so far, one line each. */
  violations(): string[]
  /** Sets the totals to 0 and deletes the list of violations. */
  reset(): void
}

/** Counts over all processes since the last `reset`. */
export interface Totals {
  /** Calls that Koffi made. */
  readonly calls: number
  /** Message headers in these calls. */
  readonly messages: number
  readonly violations: number
  /** Registered ranges. */
  readonly ranges: number
}

/** The file for `node --require`. */
export const HOOK = join(__dirname, 'hook.cjs')

/**
 * Compiles the checker into a temporary folder, which is removed at the end of this process; a string is the reason why
 * it cannot.
 */
export function buildKernelView(): KernelView | string {
  if (process.platform !== 'linux') return 'LD_PRELOAD needs Linux'
  if (libc().isDirect) return 'the checker needs glibc: with musl the library calls syscall(2)'
  const compiler = findCompiler()
  if (compiler === undefined) return 'there is no C compiler (cc, gcc, clang) on the PATH'
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-kernel-view-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const library = join(folder, 'kernel-view.so')
  execFileSync(compiler, [...FLAGS, '-o', library, ...SOURCES.map((name) => join(__dirname, name))])

  const totalsFile = join(folder, 'totals')
  const log = join(folder, 'violations')
  const reset = () => {
    writeFileSync(totalsFile, Buffer.alloc(TOTALS.length * 8))
    rmSync(log, { force: true })
  }
  reset()
  const variables = {
    LD_PRELOAD: library,
    BATCHCONN_KERNEL_VIEW_TOTALS: totalsFile,
    BATCHCONN_KERNEL_VIEW_LOG: log,
  }
  return {
    variables,
    environment: (env) => {
      const options = `${env.NODE_OPTIONS ?? ''} --require=${HOOK}`.trim()
      return { ...env, ...variables, NODE_OPTIONS: options, BATCHCONN_CHILD_NODE_OPTIONS: `--require=${HOOK}` }
    },
    totals: () => {
      const counts = readFileSync(totalsFile)
      const entries = TOTALS.map((name, index) => [name, Number(counts.readBigUInt64LE(index * 8))])
      return Object.fromEntries(entries) as Record<(typeof TOTALS)[number], number>
    },
    violations: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    reset,
  }
}

/** The members of `struct totals` in report.c, in their order. */
const TOTALS = ['calls', 'messages', 'violations', 'ranges'] as const

const SOURCES = ['calls.c', 'ranges.c', 'report.c']

// -fno-builtin: ranges.c defines `free`, and the compiler otherwise assumes the standard one.
const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-fno-builtin', '-fPIC', '-shared']
