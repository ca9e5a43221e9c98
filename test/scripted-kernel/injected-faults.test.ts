import t from 'tap'
import { EINTR } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { IOVEC, isSupportedMachine, MMSGHDR } from './abi.js'
import { type Fault, injectFault, memory } from './kernel.js'
import { runSuite, SUITES, type Suite } from './suites.js'

/** A fault, the suite that must find it, and the message of the violation. */
interface InjectedFault {
  readonly name: string
  readonly suite: Suite['name']
  readonly fault: Fault
  readonly says: RegExp
}

const INJECTED_FAULTS: readonly InjectedFault[] = [
  {
    name: 'an iovec is one byte too long',
    suite: 'send',
    fault: ({ sendmsg, sendmmsg }) => ({
      sendmsg: (fd, header, flags) => withLongerIovec(header, () => sendmsg(fd, header, flags)),
      sendmmsg: (fd, headers, count, flags) => withLongerIovec(headers, () => sendmmsg(fd, headers, count, flags)),
    }),
    says: /message \d+, datagram \d+ is|not registered/,
  },
  {
    name: 'the library resumes one message too late after a short count',
    suite: 'send',
    fault: ({ sendmmsg }) => ({
      sendmmsg: (fd, headers, count, flags) => {
        const accepted = sendmmsg(fd, headers, count, flags)
        return accepted > 0 && accepted < count ? accepted + 1 : accepted
      },
    }),
    says: /sent is \d+; the model is at message/,
  },
  {
    name: 'the library sends a message twice after a short count',
    suite: 'send',
    fault: ({ sendmmsg }) => ({
      sendmmsg: (fd, headers, count, flags) => {
        const accepted = sendmmsg(fd, headers, count, flags)
        return accepted > 1 && accepted < count ? accepted - 1 : accepted
      },
    }),
    says: /sent is \d+; the model is at message/,
  },
  {
    name: 'a message is lost after EINTR',
    suite: 'send',
    fault: ({ sendmmsg }) => ({
      sendmmsg: (fd, headers, count, flags) => {
        const accepted = sendmmsg(fd, headers, count, flags)
        return accepted < 0 && libc().errno[0] === EINTR ? 1 : accepted
      },
    }),
    says: /sent is \d+; the model is at message/,
  },
  {
    name: 'msg_namelen is not armed again',
    suite: 'receive',
    fault: ({ recvmmsg }) => {
      let isArmed = true
      return {
        recvmmsg: (fd, headers, count, flags, timeout) => {
          if (!isArmed) memory.writeWord(headers + MMSGHDR.nameLength, 16, 'msg_namelen')
          isArmed = false
          return recvmmsg(fd, headers, count, flags, timeout)
        },
      }
    },
    says: /nameBytes is 16, and 28 when armed/,
  },
]

const skip = isSupportedMachine ? false : 'the scripted kernel reads structures of 64-bit machines'

for (const { name, suite, fault, says } of INJECTED_FAULTS) {
  t.test(`the suite finds an injected fault: ${name}`, { skip }, async (t) => {
    const found = SUITES.find((one) => one.name === suite)
    if (found === undefined) throw new Error(`no suite ${suite}`)
    injectFault(fault)
    t.teardown(() => injectFault(undefined))
    const { violation } = await runSuite(found, { cases: 3000, seed: 1, timeLimitMs: 20_000 })
    t.match(violation, says)
  })
}

function withLongerIovec<T>(header: number, call: () => T): T {
  const at = memory.long(header + MMSGHDR.iov, 'msg_iov') + IOVEC.length
  const byteLength = memory.word(at, 'iov_len')
  memory.writeWord(at, byteLength + 1, 'iov_len')
  try {
    return call()
  } finally {
    memory.writeWord(at, byteLength, 'iov_len')
  }
}
