import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { spawnSync } from 'node:child_process'
import { setImmediate as loopIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { EPOLLIN, EPOLLOUT } from '../../src/libc/constants.js'
import { LARGE_BATCH } from '../../src/loop/flood.js'
import { PausableWatch } from '../../src/loop/pausable-watch.js'
import type { Watch } from '../../src/loop/reactor.js'
import { runChild } from '../support/child.js'
import { bound, messages, until } from './support.js'

const hasStrace = spawnSync('strace', ['-V']).status === 0

t.test('many datagrams in one loop iteration pause the watch, fewer do not', (t) => {
  const { watch, seen } = recorded(t)
  watch.received(LARGE_BATCH - 1)
  watch.received(1)
  t.strictSame(seen(), [])
  watch.received(LARGE_BATCH)
  watch.received(LARGE_BATCH)
  t.strictSame(seen(), ['pause'])
  t.end()
})

t.test(
  'the watch is resumed after 128 loop iterations with few datagrams, counted from the last busy one',
  async (t) => {
    const { watch, seen } = recorded(t)
    watch.pause()
    t.equal(await checksUntilResume(seen), 128)
    await loopIteration()
    t.strictSame(seen(), [])
    watch.pause()
    for (let iteration = 0; iteration < 100; iteration += 1) await loopIteration()
    watch.pause()
    t.equal(await checksUntilResume(seen), 100 + 128, 'a large batch meanwhile')
  },
)

t.test('datagrams that arrive a few at a time keep the watch paused, if they are many', async (t) => {
  let checks = 0
  let every = 0
  const { watch, seen } = recorded(t, () => {
    checks += 1
    if (checks <= 320 && checks % every === 0) watch.received(1)
  })
  for (const [checksPerDatagram, expected] of [
    [1, 320 + 128],
    // The 64th datagram is in the last of 128 checks.
    [2, 256 + 128],
    [3, 128],
  ] as const) {
    every = checksPerDatagram
    checks = 0
    watch.pause()
    t.equal(await checksUntilResume(seen), expected, `a datagram in each ${every} checks`)
  }
})

t.test(
  'after waits in vain, pauses end at their first quiet iteration; after a successful one they do not',
  async (t) => {
    const { watch, seen } = recorded(t)
    const checks: number[] = []
    const pauses = async (count: number) => {
      checks.length = 0
      for (let index = 0; index < count; index += 1) {
        watch.pause()
        checks.push(await checksUntilResume(seen))
      }
      return checks
    }
    t.strictSame(await pauses(4), [128, 128, 128, 128])
    t.strictSame(await pauses(2), [1, 128])
    t.strictSame(await pauses(3), [1, 1, 128])
    t.strictSame(await pauses(5), [1, 1, 1, 1, 128])
    t.strictSame(await pauses(8), new Array(8).fill(1))
    watch.pause()
    await loopIteration()
    await loopIteration()
    watch.pause()
    await checksUntilResume(seen)
    t.strictSame(await pauses(3), [128, 128, 128])
  },
)

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
  let isThrown = false
  const { watch, seen } = recorded(t, () => {
    if (isThrown) return
    isThrown = true
    throw new Error('from the check')
  })
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  watch.pause()
  t.match(await uncaught, { message: 'from the check' })
  await loopIteration()
  t.strictSame(seen().slice(0, 3), ['pause', 'check', 'check'])
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

/** Waits for the end of a pause. @returns number of checks in it */
async function checksUntilResume(seen: () => string[]): Promise<number> {
  let checks = 0
  for (let iteration = 0; iteration < 1_000; iteration += 1) {
    await loopIteration()
    const calls = seen()
    checks += calls.filter((call) => call === 'check').length
    if (calls.includes('resume')) return checks
  }
  throw new Error('not resumed')
}

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
