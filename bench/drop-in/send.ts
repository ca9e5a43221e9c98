import { median } from 'simple-statistics'
import { BatchConn } from '../../src/index.js'
import { openSocket } from './sockets.js'
import type { Figures, Task } from './task.js'

/**
 * What one datagram costs to send, of 64 a tick whose callbacks are all waited for. They go to one peer or to several in
 * turn: where the task says, or to a socket on loopback that nobody reads from.
 */
export async function sendCost({ contender, sizeBytes, count, to, peers }: Task): Promise<Figures> {
  const socket = await openSocket(contender, '0.0.0.0')
  const unread = to === undefined ? BatchConn.open().bind({ address: '0.0.0.0', port: 0 }) : undefined
  const first = to ?? { host: '127.0.0.1', port: unread?.localAddress.port ?? 0 }
  const addresses = consecutive(first.host, peers)
  const payloads = Array.from({ length: SENDS_A_TICK }, (_, index) => Buffer.alloc(sizeBytes, index))
  const tick = () =>
    new Promise<void>((resolve, reject) => {
      let left = payloads.length
      const onSent = (error: Error | null) => {
        if (error !== null) reject(error)
        left -= 1
        if (left === 0) resolve()
      }
      payloads.forEach((payload, index) => {
        socket.send(payload, first.port, addresses[index % peers], onSent)
      })
    })
  const blocks: number[] = []
  for (let sent = 0; sent < count; sent += TICKS_A_BLOCK * SENDS_A_TICK) {
    const startNs = process.hrtime.bigint()
    for (let index = 0; index < TICKS_A_BLOCK; index += 1) await tick()
    blocks.push(Number(process.hrtime.bigint() - startNs) / (TICKS_A_BLOCK * SENDS_A_TICK))
    // The loop turns now and then, as a program's does.
    await new Promise(setImmediate)
  }
  socket.close()
  unread?.close()
  return { 'ns a datagram': median(blocks.slice(blocks.length * WARM_UP)) }
}

/** An IPv4 address and those after it. */
function consecutive(address: string, count: number): string[] {
  const octets = address.split('.').map(Number)
  return Array.from({ length: count }, (_, index) => [...octets.slice(0, 3), octets[3] + index].join('.'))
}

const SENDS_A_TICK = 64
const TICKS_A_BLOCK = 10
/** The share of the blocks during which the code is still being compiled. */
const WARM_UP = 0.2
