import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { setImmediate as loopIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { EPOLLIN, EPOLLOUT } from '../../src/libc/constants.js'
import { PausableWatch } from '../../src/loop/pausable-watch.js'
import type { Watch } from '../../src/loop/reactor.js'
import { runChild } from '../support/child.js'
import { bound, messages, until } from './support.js'

const hasStrace = spawnSync('strace', ['-V']).status === 0

t.test('the first large batch pauses the watch, the first loop iteration without one resumes it', async (t) => {
  const { watch, seen } = recorded(t)
  watch.pause()
  watch.pause()
  t.strictSame(seen(), ['pause'])
  await loopIteration()
  t.strictSame(seen(), ['check'])
  watch.pause()
  await loopIteration()
  t.strictSame(seen(), ['check'], 'still paused')
  await loopIteration()
  t.strictSame(seen(), ['resume'])
  await loopIteration()
  t.strictSame(seen(), [])
  watch.pause()
  t.strictSame(seen(), ['pause'], 'and again')
})

t.test('ref, unref, update and close resume a paused watch', async (t) => {
  const { watch, seen } = recorded(t)
  watch.pause()
  watch.update(EPOLLIN)
  t.strictSame(seen(), ['pause', 'resume', 'update 1'])
  watch.pause()
  watch.unref()
  watch.pause()
  t.strictSame(seen(), ['pause', 'resume', 'unref'], 'an unreferenced watch is not paused')
  watch.ref()
  watch.pause()
  watch.close()
  await loopIteration()
  t.strictSame(seen(), ['ref', 'pause', 'close'], 'a closed watch is not resumed')
})

t.test('a watch for writability is not paused: the checks only receive', async (t) => {
  const { watch, seen } = recorded(t)
  watch.pause()
  watch.update(EPOLLIN | EPOLLOUT)
  watch.pause()
  t.strictSame(seen(), ['pause', 'resume', 'update 5'])
  watch.update(EPOLLIN)
  watch.pause()
  t.strictSame(seen(), ['update 1', 'pause'])
})

t.test('an exception in the check does not end the watch', async (t) => {
  const { watch, seen } = recorded(t, () => {
    throw new Error('from the check')
  })
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  watch.pause()
  t.match(await uncaught, { message: 'from the check' })
  await loopIteration()
  t.strictSame(seen(), ['pause', 'check', 'resume'])
})

t.test("the check runs in the watch's own async context, not in the sender's", async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const stores: (string | undefined)[] = []
  const { watch } = recorded(t, () => stores.push(storage.getStore()))
  for (let index = 0; index < 2; index += 1) {
    storage.run('the sender', () => watch.pause())
    await loopIteration()
  }
  t.strictSame(stores, [undefined, undefined])
})

for (const [where, added] of [
  ['main', 3],
  ['worker', 3],
  ['unref', 1],
] as const) {
  t.test(`a socket that sends a lot still receives: ${where}`, { skip: !hasStrace && 'needs strace' }, async (t) => {
    // From Node 22 on, libuv uses io_uring for its epoll_ctl calls, where strace does not see them.
    const withoutRing = 'inject=io_uring_setup:error=ENOSYS'
    const traced = 'trace=epoll_ctl,sendmmsg,fcntl,io_uring_setup'
    const wrapper = ['strace', '-f', '-s', '0', '-e', traced, '-e', withoutRing]
    const { code, stdout, stderr } = await runChild('busy-sender', { wrapper, args: [where] })
    t.equal(code, 0)
    t.equal(Number(stdout), 10_000)
    const fd = /sendmmsg\((\d+),/.exec(stderr)?.[1]
    const count = (text: string) => stderr.split(text).length - 1
    t.equal(count(`sendmmsg(${fd},`), 100, 'batches')
    // The main thread watches a duplicate.
    const watched = new RegExp(`fcntl\\(${fd}, F_DUPFD_CLOEXEC, 0\\) += (\\d+)`).exec(stderr)?.[1] ?? fd
    const additions = stderr.match(
      new RegExp(`EPOLL_CTL_ADD, ${watched}, \\{events=EPOLLIN(\\|EPOLLRDHUP)?, data=\\{u32=${watched},`, 'g'),
    )
    t.equal(additions?.length, added, 'once at first, and once after each phase')
  })
}

t.test('a replaced setImmediate does not stop a socket from receiving', async (t) => {
  const { setImmediate } = globalThis
  t.teardown(() => Object.assign(globalThis, { setImmediate }))
  const socket = await bound(t, { gso: false })
  const seen = messages(socket)
  Object.assign(globalThis, { setImmediate: () => {} })
  for (let batch = 0; batch < 2; batch += 1) {
    for (let index = 0; index < 64; index += 1) socket.send('x', socket.address().port, '127.0.0.1')
    await new Promise((resolve) => process.nextTick(resolve))
  }
  await until(() => seen.length >= 128)
  t.equal(seen.length, 128)
})

t.test('a socket can be closed while its watch is paused', async (t) => {
  const socket = await bound(t, { gso: false })
  const receiver = await bound(t)
  let sent = 0
  const { port } = receiver.address()
  for (let index = 0; index < 600; index += 1) {
    socket.send('x', port, '127.0.0.1', (error) => {
      if (error === null) sent += 1
    })
  }
  socket.close()
  await until(() => sent >= 600)
  await loopIteration()
  t.equal(sent, 600)
})

/** Wraps a watch that records its calls; `seen` returns the new ones. */
function recorded(t: Test, check: () => unknown = () => {}) {
  let log: string[] = []
  const note = (what: string) => () => {
    log.push(what)
  }
  const inner: Watch = {
    ref: note('ref'),
    unref: note('unref'),
    update: (events) => log.push(`update ${events}`),
    pause: note('pause'),
    resume: note('resume'),
    close: note('close'),
  }
  const onCheck = () => {
    log.push('check')
    check()
  }
  const watch = new PausableWatch(inner, EPOLLIN, onCheck, new AsyncResource('TEST'))
  t.teardown(() => watch.close())
  const seen = () => {
    const news = log
    log = []
    return news
  }
  return { watch, seen }
}
