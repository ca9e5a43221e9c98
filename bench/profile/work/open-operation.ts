import { CrossingOperation, LoopOperation } from './plain-operations.js'
import { ReceiveOperation } from './receive-operation.js'
import { SendOperation } from './send-operation.js'
import { StrategyOperation } from './strategy-operation.js'
import { TrainOperation } from './train-operation.js'
import type { Operation, Work } from './work.js'

/** Makes what a case does. @param to - where what is sent goes */
export function openOperation(work: Work, to: { address: string; port: number }): Operation {
  switch (work.kind) {
    case 'loop':
      return new LoopOperation(work)
    case 'crossing':
      return new CrossingOperation(work)
    case 'send':
      return new SendOperation(work, to)
    case 'train':
      return new TrainOperation(work, to)
    case 'receive':
      return new ReceiveOperation(work)
    case 'strategy':
      return new StrategyOperation(work, to)
  }
}
