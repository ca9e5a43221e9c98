import fc from 'fast-check'
import t from 'tap'
import { readPointer, writePointer } from '../../src/layout/pointer.js'
import { structs } from '../../src/libc/structs.js'
import { holds } from '../support/property.js'

const skip = structs().pointerBytes === 8 ? false : 'pointers are one word here'

t.test('an address is written as the kernel reads it, up to the end of user space', { skip }, async (t) => {
  const table = [0, 1, 0xffff_ffff, 2 ** 32, 0x7fff_ffff_f000, 2 ** 53 - 1]
  const words = new Uint32Array(4)
  const view = new DataView(words.buffer)
  for (const address of table) {
    writePointer(words, 1, address)
    t.equal(view.getBigUint64(4, true), BigInt(address))
    t.equal(readPointer(words, 1), address)
  }
})

t.test('any address is written, and no other word', { skip }, async (t) => {
  const anyAddress = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  holds(
    t,
    fc.property(anyAddress, fc.nat(5), (address, at) => {
      const words = new Uint32Array(8).fill(0xdead_beef)
      writePointer(words, at, address)
      const beside = words.filter((_, index) => index < at || index > at + 1)
      const written = new DataView(words.buffer).getBigUint64(at * 4, true)
      return written === BigInt(address) && beside.every((word) => word === 0xdead_beef)
    }),
  )
})
