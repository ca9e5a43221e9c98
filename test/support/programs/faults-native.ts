import * as koffi from 'koffi'

// System calls that the library does not use and the fault tests do.

const library = koffi.load(null)

/** open(2) */
export const open: (path: string, flags: number) => number = library.func('int open(const char *, int)')
/** close(2) */
export const close: (fd: number) => number = library.func('int close(int)')
/** dup(2) */
export const dup: (fd: number) => number = library.func('int dup(int)')
/** dup2(2) */
export const dup2: (from: number, to: number) => number = library.func('int dup2(int, int)')
/** shutdown(2) */
export const shutdown: (fd: number, how: number) => number = library.func('int shutdown(int, int)')
/** setns(2) */
export const setns: (fd: number, type: number) => number = library.func('int setns(int, int)')

export const O_RDONLY = 0
export const O_CLOEXEC = 0o2000000
export const CLONE_NEWNET = 0x40000000
export const SHUT_RD = 0
export const SHUT_WR = 1
export const SHUT_RDWR = 2
