import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PausableWatch } from '../../src/loop/pausable-watch.js'
import type { Watch } from '../../src/loop/reactor.js'
import { runChild } from '../support/child.js'
import { bound, messages, until } from './support.js'

const hasStrace = spawnSync('strace', ['-V']).status === 0

t.test('the first large batch rests the watch, the first turn without one ends it', async (t) => {
  const { watch, seen } = recorded(t)
  watch.pause()
  watch.pause()
  t.strictSame(seen(), ['pause'])
  await turn()
  t.strictSame(seen(), ['look'])
  watch.pause()
  await turn()
  t.strictSame(seen(), ['look'], 'still resting')
  await turn()
  t.strictSame(seen(), ['resume'])
  await turn()
  t.strictSame(seen(), [])
  watch.pause()
  t.strictSame(seen(), ['pause'], 'and again')
})

t.test('what is wanted of it meanwhile wakes it', async (t) => {
  const { watch, seen } = recorded(t)
  watch.pause()
  watch.update(5)
  t.strictSame(seen(), ['pause', 'resume', 'update 5'])
  watch.pause()
  watch.unref()
  watch.pause()
  t.strictSame(seen(), ['pause', 'resume', 'unref'], 'what keeps no loop alive does not rest')
  watch.ref()
  watch.pause()
  watch.close()
  await turn()
  t.strictSame(seen(), ['ref', 'pause', 'close'], 'nor does it come back once it is closed')
})

t.test('a look that throws does not end the watch', async (t) => {
  const { watch, seen } = recorded(t, () => {
    throw new Error('from a look')
  })
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  watch.pause()
  t.match(await uncaught, { message: 'from a look' })
  await turn()
  t.strictSame(seen(), ['pause', 'look', 'resume'])
})

t.test('it looks in its own context, and not in that of who sends', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const stores: (string | undefined)[] = []
  const { watch } = recorded(t, () => stores.push(storage.getStore()))
  for (let index = 0; index < 2; index += 1) {
    storage.run('the sender', () => watch.pause())
    await turn()
  }
  t.strictSame(stores, [undefined, undefined])
})

for (const [where, added] of [
  ['main', 3],
  ['worker', 3],
  ['unref', 1],
] as const) {
  t.test(`a socket that sends much hears all the same: ${where}`, { skip: !hasStrace && 'needs strace' }, async (t) => {
    // From Node 22 on, libuv makes its epoll_ctl calls by io_uring, where strace does not see them.
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
    t.equal(additions?.length, added, 'at first, and after each phase')
  })
}

t.test('clocks that somebody has replaced do not make it deaf', async (t) => {
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

t.test('closed while it rests', async (t) => {
  const socket = await bound(t, { gso: false })
  const receiver = await bound(t)
  let told = 0
  const { port } = receiver.address()
  for (let index = 0; index < 600; index += 1) {
    socket.send('x', port, '127.0.0.1', (error) => {
      if (error === null) told += 1
    })
  }
  socket.close()
  await until(() => told >= 600)
  await turn()
  t.equal(told, 600)
})

/** A watch over one that writes down what is asked of it; `seen` gives what is new. */
function recorded(t: Test, look: () => unknown = () => {}) {
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
  const onLook = () => {
    log.push('look')
    look()
  }
  const watch = new PausableWatch(inner, onLook, new AsyncResource('TEST'))
  t.teardown(() => watch.close())
  const seen = () => {
    const news = log
    log = []
    return news
  }
  return { watch, seen }
}
