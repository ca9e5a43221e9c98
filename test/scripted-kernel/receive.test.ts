import t from 'tap'
import { isSupportedMachine } from './abi.js'
import { checkSuite } from './check-suite.js'

const skip = isSupportedMachine ? false : 'the scripted kernel reads structures of 64-bit machines'

t.test('recv returns each datagram once, within its slot, whatever the kernel stores', { skip }, async (t) => {
  await checkSuite(t, 'receive', { cases: 44_000, timeLimitMs: 60_000 })
})
