import t from 'tap'
import { childJson, runChild } from '../support/child.js'
import { checkExchange, missing } from './support/exchange.js'

// System calls that fail temporarily, injected by strace: no memory, no buffers, interrupted.

const skip = missing('strace', '-V') || missing('strace', '-qq', '-e', 'inject=getpid:error=EPERM:when=1..2', 'true')
const strace = (...injections: string[]) => [
  ...['strace', '-f', '-qq', '-o', '/dev/null'],
  ...injections.flatMap((injection) => ['-e', `inject=${injection}`]),
]

const transient = [
  ['ENOBUFS, five times', 'sendmmsg:error=ENOBUFS:when=1..5', 'sendmsg:error=ENOBUFS:when=1..5'],
  ['EAGAIN, every second time', 'sendmmsg:error=EAGAIN:when=1+2'],
  ['ENOMEM, once', 'sendmmsg:error=ENOMEM:when=1'],
  ['EPERM, once, as on a new socket', 'sendmmsg:error=EPERM:when=1', 'sendmsg:error=EPERM:when=1'],
  ['EINTR, every second time', 'sendmmsg:error=EINTR:when=1+2', 'recvmmsg:error=EINTR:when=1+2'],
  ['EINTR, in single calls', 'sendmsg:error=EINTR:when=1+2', 'recvmsg:error=EINTR:when=1+2'],
] as const

for (const [title, ...injections] of transient) {
  t.test(`${title}: everything is sent and arrives, no error`, { skip }, async (t) => {
    checkExchange(t, await runChild('faults-exchange', { wrapper: strace(...injections) }))
  })
}

for (const [call, errno] of [
  ['socket', 'ENOMEM'],
  ['socket', 'ENOBUFS'],
  ['setsockopt', 'ENOMEM'],
  ['setsockopt', 'ENOBUFS'],
]) {
  t.test(`open: ${call} fails with ${errno}: the error names both, and no descriptor is left`, { skip }, async (t) => {
    const wrapper = strace(`${call}:error=${errno}`)
    const report = await childJson('faults-injected', { args: ['open'], wrapper })
    t.strictSame(report, { outcomes: [`${errno} ${call}`], leaked: 0 })
  })
}

t.test('recv: ENOMEM is thrown once, and no datagram is lost', { skip }, async (t) => {
  const wrapper = strace('recvmmsg:error=ENOMEM:when=1')
  t.strictSame(await childJson('faults-injected', { args: ['recv'], wrapper }), ['ENOMEM recvmmsg', 3, 0])
})

t.test('recv: an interrupted call is retried at once', { skip }, async (t) => {
  const wrapper = strace('recvmmsg:error=EINTR:when=1')
  t.strictSame(await childJson('faults-injected', { args: ['recv'], wrapper }), [3, 0, 0])
})

t.test('sendAll: persistent ENOMEM is an error of the socket, and no message counts as sent', { skip }, async (t) => {
  const wrapper = strace('sendmmsg:error=ENOMEM')
  const report = await childJson('faults-injected', { args: ['sendAll'], wrapper })
  t.strictSame(report, { first: 'ENOMEM sendmmsg', sent: 0 })
})
