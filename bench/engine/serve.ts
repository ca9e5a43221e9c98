import { setPriority } from 'node:os'
import { exitWithParent, sendToParent } from '../children/child.js'
import {
  type ClockCosts,
  clockCosts,
  type HeapGrowth,
  heapGrowth,
  type Operation,
  processMeters,
  realTime,
  type Sample,
  takeSample,
} from './sample.js'

export interface Order<Work> {
  readonly do: 'sample' | 'heap'
  readonly work: Work
  readonly operations: number
  readonly warmOperations: number
}

export interface Hello {
  readonly costs: ClockCosts
  readonly isRealTime: boolean
}

/** A worker process's answer; `unable` is the reason why it cannot do the work. */
export type Answer = { readonly sample?: Sample; readonly heap?: HeapGrowth; readonly unable?: string }

/**
 * Runs a worker process. It does one kind of work only, because what V8's compiler learns about one case would change the next,
 * and stays warm between samples.
 *
 * @param open - prepares the work of a request
 */
export function serve<Work>(open: (work: Work) => Operation, wantsRealTime: boolean): void {
  exitWithParent()
  const operations = new Map<string, Operation>()
  const meters = processMeters()
  raisePriority()
  const scheduling = wantsRealTime ? realTime() : undefined
  const costs = clockCosts(meters)
  const answer = async (order: Order<Work>): Promise<Answer> => {
    const key = JSON.stringify(order.work)
    const operation = operations.get(key) ?? open(order.work)
    operations.set(key, operation)
    if (order.do === 'heap') return { heap: heapGrowth(operation, order.operations) }
    scheduling?.enter()
    try {
      return { sample: await takeSample(operation, order.operations, order.warmOperations, meters, costs) }
    } finally {
      scheduling?.leave()
    }
  }
  process.on('message', (order: Order<Work>) => {
    answer(order)
      .catch((error: Error): Answer => ({ unable: error.message.split('\n', 1)[0] }))
      .then(sendToParent)
  })
  sendToParent({ costs, isRealTime: scheduling !== undefined } satisfies Hello)
}

/** Raises this process's priority, so that other programs interrupt fewer samples. Only root may. */
export function raisePriority(): void {
  try {
    setPriority(-20)
  } catch {
    // Samples are interrupted then, and marked.
  }
}
