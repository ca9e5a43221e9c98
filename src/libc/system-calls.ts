import { typeError } from '../arguments/errors.js'

/** System calls that send or receive several messages. Addresses are numbers, as in `Libc`. */
export interface MultiMessageCalls {
  sendmmsg(fd: number, messages: number, count: number, flags: number): number
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number
}

/** Shared library whose functions can be declared by their C prototypes. */
export interface Library {
  func(prototype: string): (...args: number[]) => number
}

/** Returns `sendmmsg` and `recvmmsg` by `syscall(2)`, bypassing the C library's own wrappers. */
export function directSystemCalls(library: Library): MultiMessageCalls {
  const numbers = SYSTEM_CALL_NUMBERS[process.arch]
  if (numbers === undefined) {
    throw typeError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', `batchconn has no system call numbers for ${process.arch}`)
  }
  const syscall = library.func('long syscall(long, int, uintptr_t, unsigned int, int, uintptr_t)')
  return {
    sendmmsg: (fd, messages, count, flags) => syscall(numbers.sendmmsg, fd, messages, count, flags, 0),
    recvmmsg: (fd, messages, count, flags, timeout) => syscall(numbers.recvmmsg, fd, messages, count, flags, timeout),
  }
}

/** System call numbers (arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h). */
const SYSTEM_CALL_NUMBERS: Partial<Record<NodeJS.Architecture | 'loong64', { sendmmsg: number; recvmmsg: number }>> = {
  x64: { sendmmsg: 307, recvmmsg: 299 },
  arm64: { sendmmsg: 269, recvmmsg: 243 },
  riscv64: { sendmmsg: 269, recvmmsg: 243 },
  loong64: { sendmmsg: 269, recvmmsg: 243 },
}
