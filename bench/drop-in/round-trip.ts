import { join } from 'node:path'
import { quantile } from 'simple-statistics'
import { Child } from '../children/child.js'
import { sendToParent } from '../children/parent.js'
import type { Figures, Task } from './plan.js'
import { openSocket } from './sockets.js'

/** Measures the time of one datagram to a process with the same kind of socket and back, one at a time. */
export async function roundTripTimes(task: Task): Promise<Figures> {
  const words = [JSON.stringify({ ...task, measure: 'echo' } satisfies Task)]
  const echo = new Child('the echo process', { program: join(__dirname, 'worker'), words })
  const { port } = (await echo.next()) as { port: number }
  const socket = await openSocket(task.candidate)
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
  await echo.stop()
  const warm = times.slice(times.length * WARM_UP)
  return { 'median us': quantile(warm, 0.5), 'p99 us': quantile(warm, 0.99) }
}

/** Sends datagrams back until the parent process ends. */
export async function echo({ candidate }: Task): Promise<undefined> {
  const socket = await openSocket(candidate)
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
  sendToParent({ port: socket.address().port })
}

/** Share of the trips during which the code is still being compiled. */
const WARM_UP = 0.3
