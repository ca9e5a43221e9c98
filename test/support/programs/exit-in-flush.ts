import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import dgram, { type Socket } from '../../../src/dgram/index.js'

// Exits in the middle of a flush, from an async hook. An `exit` listener sends from the same socket, and from another.

const HERE = '127.0.0.1'

async function openSocket(): Promise<Socket> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, HERE)
  await once(socket, 'listening')
  return socket
}

async function main(port: number): Promise<void> {
  const [one, other] = [await openSocket(), await openSocket()]
  let isArmed = false
  createHook({
    init(_id, type) {
      if (isArmed && type === 'TickObject') process.exit()
    },
  }).enable()
  process.on('exit', () => {
    one.send('at exit, same socket', port, HERE)
    other.send('at exit, other socket', port, HERE)
  })
  one.once('message', () => {
    one.send('before', port, HERE, () => {})
    process.nextTick(() => {
      isArmed = true
    })
  })
  one.on('message', () => {})
  for (const text of ['first', 'second']) other.send(text, one.address().port, HERE)
}

void main(Number(process.argv[2]))
