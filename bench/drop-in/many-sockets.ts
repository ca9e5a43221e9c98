import { readFileSync } from 'node:fs'
import { BatchConn } from '../../src/index.js'
import type { Figures, Task } from './plan.js'
import { openSocket } from './sockets.js'

/**
 * Measures CPU time and memory of many sockets that each send one datagram in every tick of a timer, like a media server with one
 * socket per stream. They go to a socket on loopback whose datagrams are not read.
 */
export async function manySocketsCost({ candidate, sizeBytes, sockets: socketCount, count }: Task): Promise<Figures> {
  const unread = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const { port } = unread.localAddress
  const sockets = await Promise.all(Array.from({ length: socketCount }, () => openSocket(candidate)))
  const payload = Buffer.alloc(sizeBytes)
  const sendTicks = (ticks: number) =>
    new Promise<void>((resolve) => {
      let left = ticks
      const timer = setInterval(() => {
        for (const socket of sockets) socket.send(payload, port, '127.0.0.1')
        left -= 1
        if (left > 0) return
        clearInterval(timer)
        // The last tick's datagrams leave after this callback.
        setImmediate(resolve)
      }, TICK_MS)
    })
  await sendTicks(count * WARM_UP)
  const before = process.cpuUsage()
  await sendTicks(count)
  const { user, system } = process.cpuUsage(before)
  for (const socket of sockets) socket.close()
  unread.close()
  return { 'us of CPU per tick': (user + system) / count, 'peak resident MiB': peakResidentBytes() / 2 ** 20 }
}

/** `VmHWM` of proc_pid_status(5). */
function peakResidentBytes(): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  if (match === null) throw new Error('/proc/self/status has no VmHWM')
  return Number(match[1]) * 1024
}

/** The usual interval of audio over RTP. */
const TICK_MS = 20
/** Ticks before the measured ones, as a share of these. */
const WARM_UP = 0.2
