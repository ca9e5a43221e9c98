import fc from 'fast-check'
import t from 'tap'
import { SendOrder } from '../../src/batch/send-order.js'
import { type Endpoint, endpoint } from '../../src/index.js'

// Endpoints 0 and 5 are different objects with the same address.
const ENDPOINTS = [
  undefined,
  ...Array.from({ length: 6 }, (_, index) => endpoint({ address: '192.0.2.1', port: (index % 5) + 1 })),
]

function orderOf(order: SendOrder, length: number): number[] {
  return Array.from({ length }, (_, position) => order.slotAt(position))
}

t.test('messages of one destination move next to each other, in their order', async (t) => {
  const [, a, b, c] = ENDPOINTS
  const order = new SendOrder([a, b, a, c, b, a])
  order.group(0, 6)
  t.strictSame(orderOf(order, 6), [0, 2, 5, 1, 4, 3])
  t.equal(order.isChanged, true)
})

t.test('after reset, messages are grouped as in a new order', async (t) => {
  const [, a, b, c] = ENDPOINTS
  const destinations = [a, b, a, c, b, a]
  const order = new SendOrder(destinations)
  order.group(0, 6)
  order.reset()
  t.strictSame(orderOf(order, 6), [0, 1, 2, 3, 4, 5])
  destinations.splice(0, 6, b, c, b, a, c, a)
  order.group(0, 6)
  t.strictSame(orderOf(order, 6), [0, 2, 1, 4, 3, 5])
})

t.test('grouped messages stay as they are, connected ones too', async (t) => {
  const [none, a, b] = ENDPOINTS
  const same = endpoint({ address: '192.0.2.1', port: 1 })
  for (const destinations of [[a, a, b, b, b], [none, none, a], [a, same, a, b], [a, b, none], [a], []]) {
    const order = new SendOrder(destinations)
    order.group(0, destinations.length)
    t.equal(order.isChanged, false)
  }
})

t.test('any sequence of additions, sends and groupings: a stable grouping of what is left', async (t) => {
  const step = fc.record({ add: fc.nat(6), send: fc.nat(4), end: fc.nat(3) })
  const property = fc.property(
    fc.array(fc.constantFrom(...ENDPOINTS), { maxLength: 40 }),
    fc.array(step, { maxLength: 8 }),
    (destinations, steps) => {
      const order = new SendOrder(destinations)
      const model = [...destinations.keys()]
      let [length, sent, grouped] = [0, 0, 0]
      for (const { add, send, end: left } of steps) {
        length = Math.min(length + add, destinations.length)
        const end = Math.max(length - left, sent)
        order.group(sent, end)
        if (end > grouped) {
          model.splice(sent, end - sent, ...groupedBy(model.slice(sent, end), destinations))
          grouped = end
        }
        if (String(orderOf(order, destinations.length)) !== String(model)) return false
        sent = Math.min(sent + send, end)
      }
      order.reset()
      return orderOf(order, destinations.length).every((slot, position) => slot === position) && !order.isChanged
    },
  )
  fc.assert(property, { numRuns: 3_000 })
  t.pass('3,000 sequences')
})

t.test('two batches that share endpoints do not disturb each other', async (t) => {
  const [, a, b] = ENDPOINTS
  const [first, second] = [new SendOrder([a, b, a, b]), new SendOrder([b, b, a, a, b])]
  first.group(0, 4)
  second.group(0, 5)
  first.reset()
  first.group(0, 4)
  t.strictSame(orderOf(first, 4), [0, 2, 1, 3])
  t.strictSame(orderOf(second, 5), [0, 1, 4, 2, 3])
})

function groupedBy(slots: number[], destinations: readonly (Endpoint | undefined)[]): number[] {
  const groups = new Map<string, number[]>()
  for (const slot of slots) {
    const key = String(destinations[slot])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [slot])
    else group.push(slot)
  }
  return [...groups.values()].flat()
}
