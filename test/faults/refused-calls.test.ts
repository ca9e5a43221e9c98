import t from 'tap'
import { childJson, runChild } from '../support/child.js'
import { compiledProgram } from '../support/compiled.js'
import { checkExchange, missing } from './support/exchange.js'

// Sandboxes refuse sendmmsg and recvmmsg where they allow sendmsg and recvmsg, with ENOSYS or EPERM. Everything is sent and
// received all the same, and no error is reported.

const noStrace = missing('strace', '-V') || missing('strace', '-qq', '-e', 'inject=getpid:error=EPERM', 'true')
const noSeccomp =
  process.arch === 'x64' || process.arch === 'arm64' ? false : `no system call numbers for ${process.arch}`

const rows = ['sendmmsg=EPERM', 'recvmmsg=ENOSYS', 'sendmmsg=ENOSYS,recvmmsg=ENOSYS', 'sendmmsg=EPERM,recvmmsg=EPERM']

for (const refused of rows) {
  t.test(`a seccomp filter with ${refused}: all is sent, all arrives`, { skip: noSeccomp }, async (t) => {
    const flags = ['--require', compiledProgram('faults-seccomp')]
    checkExchange(t, await runChild('faults-exchange', { wrapper: ['env', `FAULTS_SECCOMP=${refused}`], flags }))
  })
}

for (const refused of ['sendmmsg=EPERM,recvmmsg=EPERM', 'sendmmsg=ENOSYS,recvmmsg=ENOSYS']) {
  t.test(`a seccomp filter with ${refused}: also in a worker`, { skip: noSeccomp }, async (t) => {
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
  t.test(`strace answers ${call} with ${errno}: all is sent, all arrives`, { skip: noStrace }, async (t) => {
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:error=${errno}`]
    checkExchange(t, await runChild('faults-exchange', { wrapper }))
  })
}

for (const refused of rows) {
  t.test(
    `a seccomp filter with ${refused}: conn.batching and probe name what is refused`,
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

t.test('without a filter, conn.batching and probe are on', async (t) => {
  const { probe, batching } = await childJson<Record<string, string>>('faults-what-works')
  t.match(probe, /true$/)
  t.match(batching, /^on: /)
})
