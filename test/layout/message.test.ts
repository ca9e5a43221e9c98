import t from 'tap'
import { copyWords, iovecWords, messageWords } from '../../src/layout/message.js'
import { structs } from '../../src/libc/structs.js'

const is64Bit = structs().pointerBytes === 8
const skip = is64Bit ? false : 'the table is for 64-bit machines'

t.test('the word offsets of an mmsghdr are its byte offsets divided by four', { skip }, async (t) => {
  t.strictSame(messageWords(), {
    stride: 64 / 4,
    name: 0,
    nameLength: 8 / 4,
    iov: 16 / 4,
    iovLength: 24 / 4,
    control: 32 / 4,
    controlLength: 40 / 4,
    flags: 48 / 4,
    length: 56 / 4,
  })
})

t.test('the word offsets of an iovec are its byte offsets divided by four', { skip }, async (t) => {
  t.strictSame(iovecWords(), { stride: 16 / 4, base: 0, length: 8 / 4 })
})

t.test('a message is copied word by word, and no other word is written', async (t) => {
  const from = Uint32Array.from({ length: 10 }, (_, index) => index)
  const to = new Uint32Array(10).fill(99)
  copyWords(from, 2, to, 5, 4)
  t.same([...to], [99, 99, 99, 99, 99, 2, 3, 4, 5, 99])
})
