import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import type * as Koffi from 'koffi'

/**
 * Keeps Koffi's binary in the process for good. When only workers have loaded it, Node unloads it with the last of them,
 * before the loop closes a poll handle that is still open: a worker that is terminated while a socket waits would take
 * the process with it (SIGSEGV, seen on Node 20 to 26). dlopen(3) with RTLD_NODELETE prevents the unloading.
 */
export function keepLoaded(koffi: typeof Koffi): void {
  if (isMainThread) return
  const [path] = /\/.*koffi.*\.node$/m.exec(readFileSync('/proc/self/maps', 'utf8')) ?? []
  if (path === undefined) return
  const dlopen = koffi.load(null).func('uintptr_t dlopen(const char *, int)')
  dlopen(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE)
}

const RTLD_LAZY = 0x1
const RTLD_NOLOAD = 0x4
const RTLD_NODELETE = 0x1000
