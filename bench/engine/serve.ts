import { exitWithParent, sendToParent } from '../children/child.js'
import {
  type ClockCosts,
  clockCosts,
  type HeapGrowth,
  heapGrowth,
  type Operation,
  processMeters,
  raisePriority,
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
export type Answer<Found> = { readonly found?: Found; readonly unable?: string }

/**
 * Runs a worker process. It does one kind of work only, because what V8's compiler learns about one case would change the next,
 * and stays warm between samples.
 *
 * @param open - prepares the work of a request
 */
export function serve<Work>(open: (work: Work) => Operation, wantsRealTime: boolean): void {
  exitWithParent()
  const opened = new Map<string, Operation>()
  const meters = processMeters()
  raisePriority()
  const scheduling = wantsRealTime ? realTime() : undefined
  const costs = clockCosts(meters)
  const answer = async ({
    work,
    operations,
    warmOperations,
    ...order
  }: Order<Work>): Promise<Answer<Sample | HeapGrowth>> => {
    const key = JSON.stringify(work)
    const operation = opened.get(key) ?? open(work)
    opened.set(key, operation)
    if (order.do === 'heap') return { found: heapGrowth(operation, operations) }
    scheduling?.enter()
    try {
      return { found: await takeSample(operation, operations, warmOperations, meters, costs) }
    } finally {
      scheduling?.leave()
    }
  }
  process.on('message', (order: Order<Work>) => {
    answer(order)
      .catch((error: Error): Answer<never> => ({ unable: error.message.split('\n', 1)[0] }))
      .then(sendToParent)
  })
  sendToParent({ costs, isRealTime: scheduling !== undefined } satisfies Hello)
}
