import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import dgram, { type Socket, type SocketOptions } from '../../src/dgram/index.js'

/** A socket of the drop-in on a port of its own; closed at the end of the test, if it is not yet. */
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

/** What arrives at a socket, as text. */
export function messages(socket: Socket): string[] {
  const seen: string[] = []
  socket.on('message', (bytes) => seen.push(bytes.toString()))
  return seen
}

/** Waits until it is so. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn += 1) await sleep(10)
  if (!condition()) throw new Error('waited in vain')
}
