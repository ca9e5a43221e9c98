import t from 'tap'
import { EndpointTable } from '../../src/endpoint/endpoint-table.js'

/** Words that count each read of them. */
function countingWords(): { words: Uint32Array; reads: () => number } {
  const words = new Uint32Array(7)
  let reads = 0
  const proxy = new Proxy(words, {
    get: (of, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1
      return Reflect.get(of, key, of)
    },
  })
  return { words: proxy, reads: () => reads }
}

const FACTOR = 0x9e3779b1 | 0

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, FACTOR)
  return product ^ (product >>> 15)
}

/** Source addresses with the same hash if it has no secret, one per port. */
function collidingAddress(port: number): [number, number] {
  let inverse = 1
  for (let step = 0; step < 6; step += 1) inverse = Math.imul(inverse, 2 - Math.imul(FACTOR, inverse))
  const undo = (hash: number) => {
    let value = hash
    for (let step = 0; step < 3; step += 1) value = hash ^ (value >>> 15)
    return Math.imul(value, inverse)
  }
  const first = 2 | ((port & 255) << 24) | ((port >> 8) << 16)
  return [first, mix(4, first) ^ undo(undo(undo(12_345)))]
}

t.test('forged source addresses cannot slow down lookups: the reads per lookup are bounded', async (t) => {
  const table = new EndpointTable()
  const { words, reads } = countingWords()
  let most = 0
  for (let port = 1024; port < 4024; port += 1) {
    const [first, second] = collidingAddress(port)
    words[0] = first
    words[1] = second
    const before = reads()
    table.lookup(words, 0, 16)
    most = Math.max(most, reads() - before)
  }
  // The hash reads 4 words, and each of at most 8 candidates reads up to 4.
  t.ok(most <= 36, `${most} reads`)
})
