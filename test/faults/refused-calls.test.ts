import t from 'tap'
import { childJson, runChild } from '../support/child.js'
import { compiledProgram } from '../support/compiled.js'
import { checkExchange, missing } from './support/exchange.js'

// Sandboxes reject sendmmsg and recvmmsg with ENOSYS or EPERM although they allow sendmsg and recvmsg. Everything must
// be sent and received, without an error.

const noStrace = missing('strace', '-V') || missing('strace', '-qq', '-e', 'inject=getpid:error=EPERM', 'true')
const noSeccomp =
  process.arch === 'x64' || process.arch === 'arm64' ? false : `no system call numbers for ${process.arch}`

const rows = ['sendmmsg=EPERM', 'recvmmsg=ENOSYS', 'sendmmsg=ENOSYS,recvmmsg=ENOSYS', 'sendmmsg=EPERM,recvmmsg=EPERM']

for (const refused of rows) {
  t.test(`a seccomp filter with ${refused}: everything is sent and arrives`, { skip: noSeccomp }, async (t) => {
    const flags = ['--require', compiledProgram('faults-seccomp')]
    checkExchange(t, await runChild('faults-exchange', { wrapper: ['env', `FAULTS_SECCOMP=${refused}`], flags }))
  })
}

for (const refused of ['sendmmsg=EPERM,recvmmsg=EPERM', 'sendmmsg=ENOSYS,recvmmsg=ENOSYS']) {
  t.test(`a seccomp filter with ${refused}: also in a worker thread`, { skip: noSeccomp }, async (t) => {
    const flags = ['--require', compiledProgram('faults-seccomp')]
    const wrapper = ['env', `FAULTS_SECCOMP=${refused}`]
    checkExchange(t, await runChild('faults-exchange', { wrapper, flags, args: ['ipv6', 'worker'] }))
  })
}

for (const [call, errno] of [
  ['sendmmsg', 'ENOSYS'],
  ['sendmmsg', 'EPERM'],
  ['recvmmsg', 'ENOSYS'],
  ['recvmmsg', 'EPERM'],
]) {
  t.test(`strace makes ${call} fail with ${errno}: everything is sent and arrives`, { skip: noStrace }, async (t) => {
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:error=${errno}`]
    checkExchange(t, await runChild('faults-exchange', { wrapper }))
  })
}

for (const refused of rows) {
  t.test(
    `a seccomp filter with ${refused}: conn.batching and probe name the rejected calls`,
    { skip: noSeccomp },
    async (t) => {
      const flags = ['--require', compiledProgram('faults-seccomp')]
      const wrapper = ['env', `FAULTS_SECCOMP=${refused}`]
      const { probe, batching } = await childJson<Record<string, string>>('faults-what-works', { wrapper, flags })
      t.match(probe, refused.includes('sendmmsg') ? /false$/ : /true$/)
      for (const each of refused.split(',')) {
        const [call, errno] = each.split('=')
        t.match(batching, new RegExp(`^off: .*${call}.*${errno}`))
      }
    },
  )
}

t.test('without a filter, conn.batching and probe report available', async (t) => {
  const { probe, batching } = await childJson<Record<string, string>>('faults-what-works')
  t.match(probe, /true$/)
  t.match(batching, /^on: /)
})
