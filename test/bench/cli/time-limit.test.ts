import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { timeLimit } from '../../../bench/cli/run-command.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

t.test('a time limit among other signals outlives a garbage collection', async (t) => {
  const either = AbortSignal.any([new AbortController().signal, timeLimit(100)])
  const aborted = once(either, 'abort').then(() => 'aborted')
  await sleep(10)
  collectGarbage()
  await sleep(10)
  collectGarbage()
  const waiting = new AbortController()
  t.equal(await Promise.race([aborted, sleep(5000, 'never', { signal: waiting.signal })]), 'aborted')
  t.equal(either.reason.name, 'TimeoutError')
  waiting.abort()
})
