import { exitWithParent, sendToParent } from '../children/parent.js'
import { manySocketsCost } from './many-sockets.js'
import type { Figures, Task } from './plan.js'
import { keptBytes, receiveCost } from './receive.js'
import { echo, roundTripTimes } from './round-trip.js'
import { sendCost } from './send.js'

const WORK: Readonly<Record<Task['measure'], (task: Task) => Promise<Figures | undefined>>> = {
  send: sendCost,
  receive: receiveCost,
  'round-trip': roundTripTimes,
  kept: keptBytes,
  sockets: manySocketsCost,
  echo,
}

exitWithParent()
const task: Task = JSON.parse(process.argv[2])
void WORK[task.measure](task).then((figures) => {
  if (figures !== undefined) sendToParent(figures)
})
