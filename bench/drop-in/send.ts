import { median } from 'simple-statistics'
import { BatchConn } from '../../src/index.js'
import type { Figures, Task } from './plan.js'
import { openSocket } from './sockets.js'

/**
 * Measures the time per datagram with 64 sends per tick, including their callbacks. They go to one destination or to several in
 * turn; by default to a socket on loopback that is not read.
 */
export async function sendCost({ candidate, sizeBytes, count, to, destinations }: Task): Promise<Figures> {
  const socket = await openSocket(candidate, '0.0.0.0')
  const unread = to === undefined ? BatchConn.open().bind({ address: '0.0.0.0', port: 0 }) : undefined
  const first = to ?? { host: '127.0.0.1', port: unread?.localAddress.port ?? 0 }
  const addresses = consecutive(first.host, destinations)
  const payloads = Array.from({ length: SENDS_PER_TICK }, (_, index) => Buffer.alloc(sizeBytes, index))
  const tick = () =>
    new Promise<void>((resolve, reject) => {
      let left = payloads.length
      const onSent = (error: Error | null) => {
        if (error !== null) reject(error)
        left -= 1
        if (left === 0) resolve()
      }
      payloads.forEach((payload, index) => {
        socket.send(payload, first.port, addresses[index % destinations], onSent)
      })
    })
  const samples: number[] = []
  for (let sent = 0; sent < count; sent += TICKS_PER_SAMPLE * SENDS_PER_TICK) {
    const startNs = process.hrtime.bigint()
    for (let index = 0; index < TICKS_PER_SAMPLE; index += 1) await tick()
    samples.push(Number(process.hrtime.bigint() - startNs) / (TICKS_PER_SAMPLE * SENDS_PER_TICK))
    // A loop iteration now and then, as in a program.
    await new Promise(setImmediate)
  }
  socket.close()
  unread?.close()
  return { 'ns per datagram': median(samples.slice(samples.length * WARM_UP)) }
}

/** Returns an IPv4 address and those after it. */
function consecutive(address: string, count: number): string[] {
  const octets = address.split('.').map(Number)
  return Array.from({ length: count }, (_, index) => [...octets.slice(0, 3), octets[3] + index].join('.'))
}

const SENDS_PER_TICK = 64
const TICKS_PER_SAMPLE = 10
/** Share of the samples during which the code is still being compiled. */
const WARM_UP = 0.2
