import { type Libc, libc } from '../../src/libc/libc.js'

/** One scripted answer: a count, or an errno. */
export type Answer = number | { readonly errno: number }

/** A call made by the code under test: the function, the number of messages, the address of the headers, the flags. */
export interface Call {
  readonly name: 'sendmsg' | 'sendmmsg' | 'recvmsg' | 'recvmmsg'
  readonly headers: number
  readonly count: number
  readonly flags: number
}

/**
 * Returns the C library with scripted message calls: each takes the next answer. For errors that the kernel does not
 * return on demand. A call beyond the script throws, which fails the test.
 */
export function fakeLibc(answers: readonly Answer[], onCall?: (call: Call) => void): { libc: Libc; calls: Call[] } {
  const real = libc()
  const calls: Call[] = []
  const answer = (call: Call): number => {
    const next = answers[calls.length]
    calls.push(call)
    if (next === undefined) throw new Error(`unexpected ${call.name} of ${call.count}`)
    onCall?.(call)
    if (typeof next === 'number') return next
    real.errno[0] = next.errno
    return -1
  }
  return {
    calls,
    libc: {
      ...real,
      sendmsg: (_fd, headers, flags) => answer({ name: 'sendmsg', headers, count: 1, flags }),
      recvmsg: (_fd, headers, flags) => answer({ name: 'recvmsg', headers, count: 1, flags }),
      sendmmsg: (_fd, headers, count, flags) => answer({ name: 'sendmmsg', headers, count, flags }),
      recvmmsg: (_fd, headers, count, flags) => answer({ name: 'recvmmsg', headers, count, flags }),
    },
  }
}
