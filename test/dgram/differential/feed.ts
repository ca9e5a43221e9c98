import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { LOOPBACK, type Trial } from './trial.js'
import type { Address, Socket } from './types.js'

/** What the cases use of a native handle. */
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

/** The native handle of a socket. node:dgram keeps it in its state, under a symbol. */
export function handleOf(socket: object): Handle {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  return Reflect.get(socket, symbol ?? '').handle
}

/** A native handle that no socket has yet. Unless `address` is null it is bound. */
export function newHandle(address: string | null = '127.0.0.1'): Handle {
  const socket = createSocket('udp4')
  const handle = new (handleOf(socket).constructor)()
  socket.close()
  if (address !== null) handle.bind(address, 0, 0)
  return handle
}

/** The port of a native handle. */
export function portOf(handle: Handle): number {
  const address: Partial<Address> = {}
  handle.getsockname(address)
  return address.port ?? 0
}

/** A bound socket that logs the text of each message, its errors and its end. */
export async function reader(t: Trial, options: unknown = 'udp4', name = 'socket'): Promise<Socket> {
  const socket = t.plain(options, name)
  socket.on('message', (bytes) => t.log(`${name} got`, String(bytes)))
  return bindQuietly(t, socket, name)
}

/** Binds a socket to loopback. Logs its errors and its end. */
export async function bindQuietly(t: Trial, socket: Socket, name = 'socket'): Promise<Socket> {
  socket.on('error', (error) => t.log(`${name} 'error'`, error))
  socket.on('close', () => t.log(`${name} 'close'`))
  socket.bind(0, LOOPBACK[socket.type as string])
  await once(socket, 'listening')
  return socket
}

/** Sends texts from one socket of node:dgram, and waits until the kernel has taken all of them. */
export async function feed({ port, address }: Pick<Address, 'port' | 'address'>, texts: readonly string[]) {
  const sender = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const send = (text: string) => new Promise((resolve) => sender.send(text, port, address, resolve))
  for (const text of texts) await send(text)
  sender.close()
}

/**
 * Puts datagrams into the receive buffer of a socket that does not read meanwhile.
 *
 * @returns makes the socket read: all of them are waiting then
 */
export async function hold(t: Trial, socket: Socket, texts: readonly string[]): Promise<() => void> {
  const handle = handleOf(socket)
  handle.recvStop()
  await feed(socket.address(), texts)
  await t.settle(1)
  return () => handle.recvStart()
}

/** Makes a socket read datagrams that were all waiting, and waits until it has. */
export async function readAll(t: Trial, socket: Socket, texts: readonly string[] = SIX): Promise<void> {
  const start = await hold(t, socket, texts)
  start()
  await t.settle(3)
}

/** Fewer than libuv reads in one loop iteration. */
export const SIX: readonly string[] = ['one', 'two', 'three', 'four', 'five', 'six']
