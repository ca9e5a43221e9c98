import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { LOOPBACK, type Trial } from './trial.js'
import type { Address, Socket } from './types.js'

/** Methods of a native handle that the cases use. */
export interface Handle {
  readonly fd: number
  readonly constructor: new () => Handle
  bind(address: string, port: number, flags: number): number
  connect(address: string, port: number): number
  getsockname(out: Partial<Address>): number
  recvStart(): number
  recvStop(): number
  hasRef(): boolean
  close(): void
}

/** Returns the native handle of a socket. node:dgram keeps it in its state, under a symbol. */
export function handleOf(socket: object): Handle {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  return Reflect.get(socket, symbol ?? '').handle
}

/** Creates a native handle that belongs to no socket. It is bound unless `address` is null. */
export function newHandle(address: string | null = '127.0.0.1'): Handle {
  const socket = createSocket('udp4')
  const handle = new (handleOf(socket).constructor)()
  socket.close()
  if (address !== null) handle.bind(address, 0, 0)
  return handle
}

/** Returns the port of a native handle. */
export function portOf(handle: Handle): number {
  const address: Partial<Address> = {}
  handle.getsockname(address)
  return address.port ?? 0
}

/** Returns a bound socket that logs the text of each message, its errors and its close event. */
export async function reader(t: Trial, options: unknown = 'udp4', name = 'socket'): Promise<Socket> {
  const socket = t.plain(options, name)
  socket.on('message', (bytes) => t.log(`${name} got`, String(bytes)))
  return bindQuietly(t, socket, name)
}

/** Binds a socket to loopback. Logs its errors and its close event. */
export async function bindQuietly(t: Trial, socket: Socket, name = 'socket'): Promise<Socket> {
  socket.on('error', (error) => t.log(`${name} 'error'`, error))
  socket.on('close', () => t.log(`${name} 'close'`))
  socket.bind(0, LOOPBACK[socket.type as string])
  await once(socket, 'listening')
  return socket
}

/** Sends texts from one socket of node:dgram, and waits until the kernel has accepted all of them. */
export async function feed({ port, address }: Pick<Address, 'port' | 'address'>, texts: readonly string[]) {
  const sender = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const send = (text: string) => new Promise((resolve) => sender.send(text, port, address, resolve))
  for (const text of texts) await send(text)
  sender.close()
}

/**
 * Sends datagrams to a socket that does not read meanwhile.
 *
 * @returns a function that makes the socket read; all datagrams are queued then
 */
export async function hold(t: Trial, socket: Socket, texts: readonly string[]): Promise<() => void> {
  const handle = handleOf(socket)
  handle.recvStop()
  await feed(socket.address(), texts)
  await t.settle(1)
  return () => handle.recvStart()
}

/** Makes a socket read datagrams that are all queued, and waits until it has read them. */
export async function readAll(t: Trial, socket: Socket, texts: readonly string[] = SIX): Promise<void> {
  const start = await hold(t, socket, texts)
  start()
  await t.settle(3)
}

/** Fewer than libuv reads in one loop iteration. */
export const SIX: readonly string[] = ['one', 'two', 'three', 'four', 'five', 'six']
