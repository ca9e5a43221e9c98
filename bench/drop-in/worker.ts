import { keptBytes } from './kept.js'
import { manySocketsCost } from './many-sockets.js'
import { receiveCost } from './receive.js'
import { echo, roundTripTimes } from './round-trip.js'
import { sendCost } from './send.js'
import type { Figures, Task } from './task.js'

const WORK: Readonly<Record<Task['measure'], (task: Task) => Promise<Figures | undefined>>> = {
  send: sendCost,
  receive: receiveCost,
  'round-trip': roundTripTimes,
  kept: keptBytes,
  sockets: manySocketsCost,
  echo: async (task) => {
    await echo(task)
    return undefined
  },
}

const task: Task = JSON.parse(process.argv[2])
void WORK[task.measure](task).then((figures) => {
  if (figures !== undefined) process.send?.(figures)
})
