import { getHeapStatistics } from 'node:v8'
import type { MessageOptions } from '../../../src/batch/message-options.js'
import { messagesOf } from '../../../src/batch/send-batch.js'
import { endpoint, RecvBatch, SendBatch } from '../../../src/index.js'
import { type Arrival, arrive } from '../fake-kernel.js'

// Measures the growth of the JavaScript heap in bytes per message, and prints it by the name of the work. Run it with a
// young generation so large that no garbage collection runs meanwhile: then the growth is what was allocated.
const CAPACITY = 64
const BATCHES = 2000
const ROUNDS = 15

const OPTIONS: MessageOptions = { ecn: 1, ttl: 9 }
const payload = Buffer.alloc(1200, 1)
const [one, other] = [1, 2].map((port) => endpoint({ address: '192.0.2.7', port }))
const out = new SendBatch({ capacity: CAPACITY })
const messages = messagesOf(out)
const inbox = new RecvBatch({ capacity: CAPACITY })
const arrival: Arrival = { payload: 'x'.repeat(1200), source: one }
arrive(inbox, new Array<Arrival>(CAPACITY).fill(arrival))
// Result of the work, used so that no compiler removes the work.
let sink: unknown = 0
let changes = 0

const works: Record<string, () => void> = {
  'append to the connected peer': filling(() => out.append(payload)),
  'append to a destination': filling(() => out.append(payload, one)),
  'append to changing destinations': filling((index) => {
    // An odd number of slots later the slot gets the other destination.
    changes += index === 0 ? 2 : 1
    out.append(payload, (changes & 1) === 0 ? one : other)
  }),
  'append with options': filling(() => out.append(payload, one, OPTIONS)),
  'append of text': filling(() => out.append('some text', one)),
  reserve: filling((index) => {
    out.reserve(1200, one)[0] = index
  }),
  rewind: () => {
    for (let index = 0; index < CAPACITY; index += 1) {
      out.rewind()
      messages?.advance(out.remaining)
    }
  },
  'reading by index': () => {
    let sum = 0
    for (let index = 0; index < inbox.length; index += 1) {
      sum += inbox.bytes(index)[0] + inbox.size(index) + (inbox.source(index)?.port ?? 0)
      if (inbox.truncated(index) || inbox.controlTruncated(index)) sum += 1
      sum += inbox.segmentBytes(index) + (inbox.tos(index) ?? 1) + (inbox.ecn(index) ?? 1) + (inbox.ttl(index) ?? 1)
    }
    sink = sum
  },
  'preparing to receive': () => {
    for (let index = 0; index < CAPACITY; index += 1) {
      inbox.slots.prepare()
      inbox.slots.fill(CAPACITY)
    }
  },
  'control: one object per message': () => {
    for (let index = 0; index < CAPACITY; index += 1) sink = { index }
  },
  'control: one object per 64 messages': () => {
    sink = { one, other }
  },
}

/**
 * Returns work that clears and fills the batch. Created once per kind of work: creating the function would count as
 * allocation.
 */
function filling(put: (index: number) => void): () => void {
  return () => {
    out.clear()
    for (let index = 0; index < CAPACITY; index += 1) put(index)
  }
}

/** Median of several rounds: compilers allocate now and then, and a garbage collection makes the heap shrink. */
function bytesPerMessage(work: () => void): number {
  const growths = Array.from({ length: ROUNDS }, () => {
    const before = getHeapStatistics().used_heap_size
    for (let batch = 0; batch < BATCHES; batch += 1) work()
    return getHeapStatistics().used_heap_size - before
  })
  const kept = growths.filter((growth) => growth >= 0).sort((a, b) => a - b)
  if (kept.length * 2 <= ROUNDS) throw new Error('garbage was collected meanwhile: the young generation is too small')
  return kept[kept.length >> 1] / (BATCHES * CAPACITY)
}

const results = Object.entries(works).map(([name, work]) => [name, bytesPerMessage(work)])
process.stdout.write(JSON.stringify({ results: Object.fromEntries(results), sink: typeof sink }))
