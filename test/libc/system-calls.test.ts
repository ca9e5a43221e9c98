import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RecvBatch, SendBatch } from '../../src/index.js'
import { lastErrno } from '../../src/libc/check.js'
import { EAGAIN, EBADF, MSG_DONTWAIT } from '../../src/libc/constants.js'
import { koffi } from '../../src/libc/koffi.js'
import { directSystemCalls } from '../../src/libc/system-calls.js'
import { childJson } from '../support/child.js'
import { boundSocket } from '../support/sockets.js'

const TEXTS = Array.from({ length: 8 }, (_, index) => `message ${index}`)
const noNumbers = ['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)
  ? false
  : `no system call numbers for ${process.arch}`

t.test('direct system calls send, receive and set errno', { skip: noNumbers }, async (t) => {
  const { sendmmsg, recvmmsg } = directSystemCalls(koffi().load(null))
  using receiver = boundSocket()
  using sender = boundSocket()
  const out = new SendBatch({ capacity: 8 })
  for (const text of TEXTS) out.append(text, receiver.localAddress)
  const inbox = new RecvBatch({ capacity: 16 })

  inbox.slots.prepare()
  const { headersAddress } = inbox.slots
  t.equal(recvmmsg(receiver.fd, headersAddress, 16, MSG_DONTWAIT, 0), -1, 'no datagram yet')
  t.equal(lastErrno(), EAGAIN)
  t.equal(sendmmsg(sender.fd, out.slots.headerAddress(0), 8, MSG_DONTWAIT), 8)
  t.equal(recvmmsg(receiver.fd, headersAddress, 16, MSG_DONTWAIT, 0), 8)
  inbox.slots.fill(8)
  t.same(
    Array.from(inbox, ({ bytes }) => bytes.toString()),
    TEXTS,
  )
  t.equal(inbox.source(0)?.port, sender.localAddress.port)

  t.equal(sendmmsg(-1, out.slots.headerAddress(0), 8, MSG_DONTWAIT), -1)
  t.equal(lastErrno(), EBADF)
})

t.test('an unknown architecture is rejected by name', async (t) => {
  const { arch } = process
  t.teardown(() => Object.defineProperty(process, 'arch', { value: arch }))
  const library = koffi().load(null)
  Object.defineProperty(process, 'arch', { value: 's390x' })
  t.throws(() => directSystemCalls(library), {
    name: 'TypeError',
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
    message: 'batchconn has no system call numbers for s390x',
  })
})

const untraceable = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? false : 'strace does not work here'

for (const way of ['wrapper', 'direct']) {
  t.test(`${way}: a batch is one system call (strace)`, { skip: untraceable || noNumbers }, async (t) => {
    const log = join(t.testdir(), 'trace')
    const filter = 'trace=sendmmsg,recvmmsg,sendmsg,recvmsg,sendto,recvfrom'
    const wrapper = ['strace', '--follow-forks', '--output', log, '-e', filter]
    const result = await childJson('batched-calls', { args: [way], wrapper })
    t.same(result, { sent: 8, received: 8, texts: TEXTS })
    const calls = readFileSync(log, 'utf8').match(/\b(send|recv)\w+\(\d+, .* = -?\d+.*$/gm) ?? []
    t.equal(calls.length, 2, 'two calls in all')
    t.match(calls[0], /^sendmmsg\(.*, 8, MSG_DONTWAIT\) = 8$/)
    t.match(calls[1], /^recvmmsg\(.*, 8, MSG_DONTWAIT, NULL\) = 8$/)
  })
}
