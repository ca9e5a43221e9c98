import t from 'tap'
import { ENCODERS } from '../../../bench/profile/encoders/encoders.js'
import { endpoint, koffi, messageWords, sockaddrWords, structs } from '../../../bench/profile/library.js'
import { BatchConn, RecvBatch } from '../../../src/index.js'

const BATCH = 3
const SIZE_BYTES = 100
const to = endpoint({ address: '127.0.0.1', port: 4567 })

/** What the kernel reads of a message, with the contents behind its addresses. */
interface Seen {
  readonly name: string
  readonly nameLength: number
  readonly iovLength: number
  readonly baseIsAligned: boolean
  readonly length: number
  readonly controlLength: number
  readonly flags: number
}

function look(address: number): Seen[] {
  const { mmsghdr, iovec } = structs()
  const at = messageWords()
  const words = new Uint32Array(koffi().view(address, BATCH * mmsghdr.bytes))
  const pointer = (from: Uint32Array, index: number) => from[index] + from[index + 1] * 2 ** 32
  return Array.from({ length: BATCH }, (_, message) => {
    const header = message * at.stride
    const nameLength = words[header + at.nameLength]
    const name = koffi().view(pointer(words, header + at.name), nameLength)
    const vector = new Uint32Array(koffi().view(pointer(words, header + at.iov), iovec.bytes))
    return {
      name: Buffer.from(name).toString('hex'),
      nameLength,
      iovLength: pointer(words, header + at.iovLength),
      baseIsAligned: vector[0] % 64 === 0,
      length: pointer(vector, iovec.length / 4),
      controlLength: pointer(words, header + at.controlLength),
      flags: words[header + at.flags],
    }
  })
}

t.test('all encoders prepare the same for the kernel', async (t) => {
  const expected: Seen = {
    name: Buffer.from(sockaddrWords(to).buffer).toString('hex'),
    nameLength: 16,
    iovLength: 1,
    baseIsAligned: true,
    length: SIZE_BYTES,
    controlLength: 0,
    flags: 0,
  }
  for (const { name, open } of ENCODERS) {
    const encoder = open({ batch: BATCH, sizeBytes: SIZE_BYTES, destination: to })
    // Twice: the second time over the result of the first.
    for (const turn of [1, 2]) {
      const address = encoder.prepare()
      // Koffi's structures of objects exist during the call only.
      if (name !== 'koffi-objects')
        t.strictSame(look(address), new Array(BATCH).fill(expected), `${name}, time ${turn}`)
    }
  }
})

t.test('and what arrives is the same', async (t) => {
  for (const { name, open } of ENCODERS) {
    const receiver = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
    const sender = BatchConn.open()
    const encoder = open({ batch: BATCH, sizeBytes: SIZE_BYTES, destination: receiver.localAddress })
    encoder.prepare()
    t.equal(encoder.prepareAndSend(sender.fd, 0), BATCH, name)
    const inbox = new RecvBatch({ capacity: 8 })
    t.equal(receiver.recv(inbox), BATCH)
    for (const { bytes } of inbox) t.strictSame(Buffer.from(bytes), Buffer.alloc(SIZE_BYTES))
    sender.close()
    receiver.close()
  }
})
