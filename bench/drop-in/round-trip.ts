import { quantile } from 'simple-statistics'
import { openSocket } from './sockets.js'
import type { Figures, Task } from './task.js'
import { firstMessage, startWorker } from './worker-process.js'

/** How long one datagram takes to a process with the same kind of socket and back, one at a time. */
export async function roundTripTimes(task: Task): Promise<Figures> {
  const echo = startWorker({ ...task, measure: 'echo' })
  const { port } = (await firstMessage(echo, 'the echo')) as { port: number }
  const socket = await openSocket(task.contender)
  let onAnswer = () => {}
  socket.on('message', () => onAnswer())
  const payload = Buffer.alloc(task.sizeBytes)
  const times: number[] = []
  for (let trip = 0; trip < task.count; trip += 1) {
    const startNs = process.hrtime.bigint()
    await new Promise<void>((resolve) => {
      onAnswer = resolve
      socket.send(payload, port, '127.0.0.1')
    })
    times.push(Number(process.hrtime.bigint() - startNs) / 1000)
  }
  socket.close()
  echo.disconnect()
  const warm = times.slice(times.length * WARM_UP)
  return { 'median us': quantile(warm, 0.5), 'p99 us': quantile(warm, 0.99) }
}

/** Sends back what comes, until the process that started it is gone. */
export async function echo({ contender }: Task): Promise<void> {
  const socket = await openSocket(contender)
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
  process.once('disconnect', () => socket.close())
  process.send?.({ port: socket.address().port })
}

/** The share of the trips during which the code is still being compiled. */
const WARM_UP = 0.3
