import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import dgram, { type Socket, type SocketOptions } from '../../src/dgram/index.js'
import { EAGAIN } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'

/** A drop-in socket bound to a free port, closed at the end of the test unless it is closed already. */
export async function bound(t: Test, options: Partial<SocketOptions> = {}): Promise<Socket> {
  const socket = dgram.createSocket({ type: 'udp4', ...options })
  t.teardown(() => new Promise<void>((resolve) => closed(socket, resolve)))
  socket.bind(0, options.type === 'udp6' ? '::1' : '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

function closed(socket: Socket, done: () => void): void {
  try {
    socket.close(done)
  } catch {
    done()
  }
}

/** Collects the messages of a socket as text. */
export function messages(socket: Socket): string[] {
  const seen: string[] = []
  socket.on('message', (bytes) => seen.push(bytes.toString()))
  return seen
}

/** Waits until a condition holds, at most five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !condition(); attempt += 1) await sleep(10)
  if (!condition()) throw new Error('the condition did not become true in 5 s')
}

/** Makes the kernel accept a limited number of messages; further sends would block. */
export function kernelThatAccepts(t: Test, count: number): { left: number } {
  const budget = { left: count }
  const library = libc()
  const { sendmsg, sendmmsg } = library
  t.teardown(() => Object.assign(library, { sendmsg, sendmmsg }))
  const take = (wanted: number, send: (count: number) => number) => {
    const taken = Math.min(wanted, budget.left)
    budget.left -= taken
    if (taken > 0) return send(taken)
    library.errno[0] = EAGAIN
    return -1
  }
  const scripted: Pick<typeof library, 'sendmsg' | 'sendmmsg'> = {
    sendmsg: (fd, header, flags) => take(1, () => sendmsg(fd, header, flags)),
    sendmmsg: (fd, headers, wanted, flags) => take(wanted, (taken) => sendmmsg(fd, headers, taken, flags)),
  }
  Object.assign(library, scripted)
  return budget
}

/** Collects uncaught exceptions until the end of the test. */
export function uncaught(t: Test): unknown[] {
  const errors: unknown[] = []
  const handlers = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => errors.push(error))
  t.teardown(() => {
    process.removeAllListeners('uncaughtException')
    for (const handler of handlers) process.on('uncaughtException', handler)
  })
  return errors
}
