import t from 'tap'
import { isSupportedMachine } from './abi.js'
import { checkSuite } from './check-suite.js'

// A single case of a thousand messages that all fail can take many seconds on a busy machine.
t.setTimeout(300_000)

const skip = isSupportedMachine ? false : 'the scripted kernel reads structures of 64-bit machines'

t.test('send sends or rejects each message once and in order, whatever the kernel answers', { skip }, async (t) => {
  await checkSuite(t, 'send', { cases: 55_000, timeLimitMs: 60_000 })
})

t.test('sendAll does the same, with waits, an abort and a second call', { skip }, async (t) => {
  await checkSuite(t, 'sendAll', { cases: 1_000, timeLimitMs: 8_000 })
})
