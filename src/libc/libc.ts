import { koffi } from './koffi.js'
import { type Structs, structs } from './structs.js'
import { directSystemCalls, type MultiMessageCalls } from './system-calls.js'

/** Native address. A plain number, because user space ends below 2^53 on every architecture. */
export type Address = number

/**
 * Functions of the C library, as declared to Koffi. Pointers are numbers, which Koffi converts fastest. Each function returns
 * the result of the C function; `check` and `lastErrno` handle -1.
 */
export interface Libc extends MultiMessageCalls {
  readonly structs: Structs
  /** True if the batched calls bypass the C library. */
  readonly isDirect: boolean
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Address, length: number): number
  connect(fd: number, address: Address, length: number): number
  getsockname(fd: number, address: Address, length: Address): number
  getpeername(fd: number, address: Address, length: Address): number
  setsockopt(fd: number, level: number, name: number, value: Address, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Address, length: Address): number
  sendmsg(fd: number, message: Address, flags: number): number
  recvmsg(fd: number, message: Address, flags: number): number
  fcntl(fd: number, command: number, argument: number): number
  close(fd: number): number
  poll(descriptors: Address, count: number, timeoutMs: number): number
  epoll_create1(flags: number): number
  epoll_ctl(epoll: number, operation: number, fd: number, event: Address): number
  epoll_wait(epoll: number, events: Address, count: number, timeoutMs: number): number
  inet_pton(family: number, text: string, bytes: Address): number
  inet_ntop(family: number, bytes: Address, text: Address, length: number): Address
  if_nametoindex(name: string): number
  if_indextoname(index: number, name: Address): Address
  /** This thread's `errno`, at index 0. Valid only directly after the failed call. */
  readonly errno: { [index: number]: number }
}

/**
 * Returns the C library of this process.
 *
 * @throws TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` if it cannot be loaded
 */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

/** Returns the native address of `view`'s first byte. The caller keeps the memory alive while the address is used. */
export function addressOf(view: ArrayBufferView): Address {
  return Number(koffi().address(view))
}

function load(): Libc {
  const { load: open } = koffi()
  const library = open(null)
  const has = (name: string): boolean => {
    try {
      library.symbol(name)
      return true
    } catch {
      return false
    }
  }
  // musl's sendmmsg calls sendmsg in a loop, and its recvmmsg first modifies each header: bypass both.
  const isMusl = !has('gnu_get_libc_version')
  const batched = isMusl
    ? directSystemCalls(library)
    : {
        sendmmsg: library.func('int sendmmsg(int, uintptr_t, unsigned int, int)'),
        recvmmsg: library.func('int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)'),
      }
  return {
    structs: structs(),
    isDirect: isMusl,
    ...batched,
    socket: library.func('int socket(int, int, int)'),
    bind: library.func('int bind(int, uintptr_t, uint32_t)'),
    connect: library.func('int connect(int, uintptr_t, uint32_t)'),
    getsockname: library.func('int getsockname(int, uintptr_t, uintptr_t)'),
    getpeername: library.func('int getpeername(int, uintptr_t, uintptr_t)'),
    setsockopt: library.func('int setsockopt(int, int, int, uintptr_t, uint32_t)'),
    getsockopt: library.func('int getsockopt(int, int, int, uintptr_t, uintptr_t)'),
    sendmsg: library.func('intptr_t sendmsg(int, uintptr_t, int)'),
    recvmsg: library.func('intptr_t recvmsg(int, uintptr_t, int)'),
    fcntl: library.func('int fcntl(int, int, int)'),
    close: library.func('int close(int)'),
    poll: library.func('int poll(uintptr_t, unsigned long, int)'),
    epoll_create1: library.func('int epoll_create1(int)'),
    epoll_ctl: library.func('int epoll_ctl(int, int, int, uintptr_t)'),
    epoll_wait: library.func('int epoll_wait(int, uintptr_t, int, int)'),
    inet_pton: library.func('int inet_pton(int, const char *, uintptr_t)'),
    inet_ntop: library.func('uintptr_t inet_ntop(int, uintptr_t, uintptr_t, uint32_t)'),
    if_nametoindex: library.func('unsigned int if_nametoindex(const char *)'),
    if_indextoname: library.func('uintptr_t if_indextoname(unsigned int, uintptr_t)'),
    errno: errnoAt(library.func('uintptr_t __errno_location()')()),
  }
}

function errnoAt(address: Address): Libc['errno'] {
  const { errno, view } = koffi()
  try {
    return new Int32Array(view(address, 4))
  } catch {
    // Electron allows no view of native memory. This costs 50 ns instead of 5, and only where a call has failed.
    return {
      get 0() {
        return errno()
      },
    }
  }
}

let loaded: Libc | undefined
