import t from 'tap'
import { RecvBatch } from '../../src/index.js'
import { Counters } from '../../src/socket/counters.js'
import { DropCounter } from '../../src/socket/drop-counter.js'
import { boundSocket } from '../support/sockets.js'

/** A batch with one datagram that has this drop count; undefined for none. */
function batchWith(count: number | undefined): RecvBatch {
  const batch = new RecvBatch({ capacity: 1 })
  batch.control.dropCount = () => count
  return batch
}

t.test('a count that wraps is continued; a missing or older count changes nothing', (t) => {
  using conn = boundSocket()
  const counter = new DropCounter(conn.fd, true, new Counters())
  const table: [number | undefined, number][] = [
    [undefined, 0],
    [5, 5],
    [5, 5],
    [2 ** 31, 2 ** 31],
    [2 ** 32 - 1, 2 ** 32 - 1],
    [3, 2 ** 32 + 3],
    [2 ** 32 - 2, 2 ** 32 + 3],
    [undefined, 2 ** 32 + 3],
  ]
  for (const [count, expected] of table) {
    counter.note(batchWith(count))
    t.equal(counter.total(false), expected, `after ${count}`)
  }
  t.end()
})

t.test('a disabled counter returns undefined', (t) => {
  using conn = boundSocket()
  const counter = new DropCounter(conn.fd, false, new Counters())
  counter.note(batchWith(7))
  t.equal(counter.total(true), undefined)
  t.end()
})
