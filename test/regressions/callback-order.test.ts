import nodeDgram from 'node:dgram'
import t from 'tap'
import type { Socket } from '../../src/dgram/index.js'
import { bound, kernelThatAccepts, until } from '../dgram/support.js'

// The drop-in may send messages to one destination before earlier ones to another. Callbacks keep the order of the sends, as
// with node:dgram.

/** Sends to ports in turn. @returns the results, in the order of the callbacks: index, and error code or 'sent' */
function sendTo(sender: Socket, ports: readonly number[], address = '127.0.0.1'): string[] {
  const results: string[] = []
  for (const [index, port] of ports.entries()) {
    const to = port === 0 ? '255.255.255.255' : address
    sender.send(`message ${index}`, port || 9, to, (error) => {
      results.push(`${index} ${error === null ? 'sent' : Reflect.get(error, 'code')}`)
    })
  }
  return results
}

t.test('callbacks of messages that a listener sends to several destinations', async (t) => {
  const [sender, one, two] = [await bound(t), await bound(t), await bound(t)]
  const ports = [one, two, one, two, one].map((socket) => socket.address().port)
  const results: string[][] = []
  sender.on('message', () => results.push(sendTo(sender, ports)))
  const feeder = nodeDgram.createSocket('udp4')
  t.teardown(() => feeder.close())
  for (let index = 0; index < 4; index += 1) feeder.send('go', sender.address().port, '127.0.0.1')
  await until(() => results.flat().length === 4 * ports.length)
  for (const each of results) t.strictSame(each, ['0 sent', '1 sent', '2 sent', '3 sent', '4 sent'])
})

t.test('the kernel accepts only the messages to one destination at first', async (t) => {
  const [sender, one, two] = [await bound(t), await bound(t), await bound(t)]
  const [first, second] = [one.address().port, two.address().port]
  const kernel = kernelThatAccepts(t, 1)
  let arrived = 0
  one.on('message', () => {
    arrived += 1
  })
  const results = sendTo(sender, [first, second, first, second])
  await until(() => arrived === 2)
  t.equal(sender.getSendQueueCount(), 2)
  t.strictSame(results, ['0 sent'], 'message 2 was sent, but message 1 not yet')
  kernel.left = 100
  await until(() => results.length === 4)
  t.strictSame(results, ['0 sent', '1 sent', '2 sent', '3 sent'])
})

t.test('one message fails', async (t) => {
  const [sender, one] = [await bound(t), await bound(t)]
  const { port } = one.address()
  const results = sendTo(sender, [port, 0, port, 0, port])
  await until(() => results.length === 5)
  t.strictSame(results, ['0 sent', '1 EACCES', '2 sent', '3 EACCES', '4 sent'])
})

t.test('the socket is closed while messages are queued', async (t) => {
  const [sender, one, two] = [await bound(t), await bound(t), await bound(t)]
  const [first, second] = [one.address().port, two.address().port]
  kernelThatAccepts(t, 1)
  let arrived = 0
  one.on('message', () => {
    arrived += 1
  })
  const results = sendTo(sender, [first, second, first, second])
  await until(() => arrived === 2)
  sender.close()
  await until(() => results.length === 4)
  t.strictSame(results, ['0 sent', '1 ECANCELED', '2 sent', '3 ECANCELED'])
})
