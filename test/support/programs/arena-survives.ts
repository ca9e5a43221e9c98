import { Arena } from '../../../src/memory/arena.js'
import { nativeBytes } from '../native-memory.js'

// Keeps arenas through garbage collections, and checks that their addresses still point to their memory. Requires
// --expose-gc. Prints the number of arenas for which they do.
const ROUNDS = 20
const KEPT = 32

const collect = globalThis.gc as () => void
const kept = Array.from({ length: KEPT }, (_, index) => {
  const arena = new Arena({ first: 1000, second: 100_000 })
  arena.bytes.fill(index)
  return arena
})
for (let round = 0; round < ROUNDS; round += 1) {
  // Memory that was freed by mistake would be allocated again, and overwritten, here.
  const garbage = Array.from({ length: 200 }, () => new Arena({ only: 101_064 }).bytes.fill(0xee))
  garbage.length = 0
  collect()
}
let good = 0
for (const [index, { slabs, bytes }] of kept.entries()) {
  const { address, byteLength, offset } = slabs.second
  const expected = Buffer.alloc(byteLength, index)
  expected[7] = 0x55
  bytes[offset + 7] = 0x55
  if (nativeBytes(address, byteLength).equals(expected)) good += 1
}
process.stdout.write(JSON.stringify({ good, of: KEPT }))
