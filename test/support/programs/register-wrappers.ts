import type * as dgram from 'node:dgram'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'

// Wraps `send` of the prototype as tracers do, or replaces createSocket as mocks do, before or after register. Prints
// what the wrapper recorded.

type Dgram = Pick<typeof dgram, 'createSocket' | 'Socket'>

const udp: Dgram = require('node:dgram')
const register = () => require(join(__dirname, '../../../src/dgram/register.js'))

async function main([what, order]: string[]): Promise<unknown> {
  if (order === 'after register' || what === 'stub') register()
  if (what === 'stub') return stubbed()
  return traced(order === 'before register' ? register : undefined)
}

/** Calls that a wrapper of `send` recorded, and the received messages. */
interface Traced {
  readonly seen: string[]
  readonly arrived: string[]
  /** Calls recorded after it was removed. */
  readonly seenLater: number
  readonly batching: boolean | undefined
}

async function traced(then?: () => void): Promise<Traced> {
  const seen: string[] = []
  const { prototype } = udp.Socket
  const original = prototype.send
  const wrapper = function send(this: dgram.Socket, ...args: unknown[]): void {
    seen.push(String(args[0]))
    Reflect.apply(original as (...args: unknown[]) => void, this, args)
  }
  Reflect.set(prototype, 'send', wrapper)
  then?.()
  const { arrived, batching } = await sendAll()
  Reflect.set(prototype, 'send', original)
  const before = seen.length
  await sendAll()
  return { seen, arrived, seenLater: seen.length - before, batching }
}

/**
 * Sends in each form that node:dgram has: unbound, bound, without an address, in pieces, to a host name, and connected.
 */
async function sendAll(): Promise<{ arrived: string[]; batching: boolean | undefined }> {
  const receiver = udp.createSocket('udp4')
  const arrived: string[] = []
  receiver.on('message', (message) => arrived.push(String(message)))
  receiver.bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address()
  const sender = udp.createSocket('udp4')
  await new Promise((resolve) => sender.send('unbound', port, '127.0.0.1', resolve))
  await new Promise((resolve) => sender.send('bound', port, '127.0.0.1', resolve))
  sender.send(Buffer.from('no address'), port)
  sender.send(['pie', 'ces'], port, '127.0.0.1')
  await new Promise((resolve) => sender.send('name', port, 'localhost', resolve))
  sender.connect(port, '127.0.0.1')
  await once(sender, 'connect')
  await new Promise((resolve) => sender.send('connected', resolve))
  while (arrived.length < 6) await once(receiver, 'message')
  sender.close()
  receiver.close()
  const batching: { available: boolean } | undefined = Reflect.get(sender, 'batching')
  return { arrived: arrived.sort(), batching: batching?.available }
}

/** Replaces createSocket by a stub, and restores it, as sinon.stub(dgram, 'createSocket') does. */
async function stubbed(): Promise<unknown> {
  // TypeScript would turn import() into require().
  const load = new Function('return import("node:dgram")') as () => Promise<Dgram & { default: Dgram }>
  const imported = await load()
  const descriptor = Object.getOwnPropertyDescriptor(udp, 'createSocket') as PropertyDescriptor
  const calls: unknown[][] = []
  const fake = { send: () => 'sent by the fake' }
  Object.defineProperty(udp, 'createSocket', {
    ...descriptor,
    value: (...args: unknown[]) => {
      calls.push(args)
      return fake
    },
  })
  syncBuiltinESMExports()
  const fakes = [udp.createSocket('udp4'), imported.createSocket('udp6'), imported.default.createSocket('udp4')]
  Object.defineProperty(udp, 'createSocket', descriptor)
  syncBuiltinESMExports()
  const sockets = [udp.createSocket('udp4'), imported.createSocket('udp4')]
  for (const socket of sockets) socket.close()

  const sender = udp.createSocket('udp4')
  const sent: unknown[][] = []
  sender.send = ((...args: unknown[]) => sent.push(args)) as never
  sender.send('x', 9, '127.0.0.1')
  Reflect.deleteProperty(sender, 'send')
  sender.close()
  return {
    isReplaceable: descriptor.configurable === true && descriptor.writable === true && descriptor.enumerable === true,
    calls,
    areFakes: fakes.every((socket) => (socket as unknown) === fake),
    batching: sockets.map((socket) => Reflect.get(Reflect.get(socket, 'batching'), 'available')),
    sent,
  }
}

main(process.argv.slice(2)).then((result) => console.log(JSON.stringify(result)))
