import fc from 'fast-check'
import t from 'tap'
import { isSupportedMachine } from './abi.js'
import { checkSuite } from './check-suite.js'
import { sendCase } from './send-case.js'
import { runSendCase } from './send-runner.js'
import { newSendTally } from './send-tally.js'

// A single case of a thousand messages that all fail can take many seconds on a busy machine.
t.setTimeout(300_000)

const skip = isSupportedMachine ? false : 'the scripted kernel reads structures of 64-bit machines'

t.test('send sends or rejects each message once and in order, whatever the kernel answers', { skip }, async (t) => {
  await checkSuite(t, 'send', { cases: 55_000, timeLimitMs: 60_000 })
})

t.test('sendAll does the same, with waits, an abort and a second call', { skip }, async (t) => {
  await checkSuite(t, 'sendAll', { cases: 1_000, timeLimitMs: 8_000 })
})

t.test('send returns 0 only if the socket would block', { skip }, async (t) => {
  const property = fc.property(sendCase, (testCase) => runSendCase(testCase, newSendTally(), true))
  const { failed, errorInstance } = fc.check(property, { numRuns: 3_000, interruptAfterTimeLimit: 5_000 })
  const todo = 'it also returns 0 if it sent a part of the segments of a GSO message'
  t.notOk(failed, failed ? `${errorInstance}` : 'send returned 0 only when the socket would block', { todo })
})
