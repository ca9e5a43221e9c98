import { getPriority, setPriority } from 'node:os'
import { openOperation } from '../work/open-operation.js'
import type { Operation, Work } from '../work/work.js'
import { measureBlock } from './block.js'
import { heapGrowth } from './heap.js'
import { clockCosts, processMeters } from './meters.js'
import type { Answer, Order } from './orders.js'
import { realTime } from './real-time.js'

/**
 * A process that does one kind of work, and no other: what the compiler learns about one case must not speed up or slow
 * down the next. It stays warm between its blocks. Told by messages from its parent; its
 * arguments are where to send, and how to be scheduled.
 */
function main(): void {
  const to = JSON.parse(process.argv[2]) as { address: string; port: number }
  const operations = new Map<string, Operation>()
  const open = (work: Work): Operation => {
    const key = JSON.stringify(work)
    const known = operations.get(key)
    if (known !== undefined) return known
    const opened = openOperation(work, to)
    operations.set(key, opened)
    return opened
  }
  const meters = processMeters()
  raisePriority()
  const scheduling = process.argv[3] === 'real-time' ? realTime() : undefined
  const costs = clockCosts(meters)
  const obey = async (order: Order): Promise<Answer> => {
    const operation = open(order.work)
    if (order.do === 'heap') return { heap: heapGrowth(operation, order.operations) }
    scheduling?.enter()
    try {
      return { block: await measureBlock(operation, order.operations, order.warmOperations, meters, costs) }
    } finally {
      scheduling?.leave()
    }
  }
  process.on('message', (order: Order) => {
    obey(order)
      .catch((error: Error): Answer => ({ unable: error.message.split('\n', 1)[0] }))
      .then(answer)
  })
  process.on('disconnect', () => process.exit(0))
  answer({ hello: true, costs, priority: getPriority(), isRealTime: scheduling !== undefined })
}

function answer(what: Answer): void {
  process.send?.(what)
}

// Other programs then interrupt fewer blocks. Only root may; without, blocks are interrupted and marked.
function raisePriority(): void {
  try {
    setPriority(-20)
  } catch {}
}

main()
