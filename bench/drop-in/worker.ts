import { exitWithParent, sendToParent } from '../children/child.js'
import { keptBytes, receiveCost } from './receiving.js'
import { echo, manySocketsCost, roundTripTimes, sendCost } from './sending.js'
import type { Figures, Task } from './task.js'

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
