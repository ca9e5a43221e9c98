import { createSocket } from 'node:dgram'

// faults-relay PORT SEED: forwards datagrams to 127.0.0.1:PORT, some of them two or three times, in another order. Uses
// node:dgram only. Over IPC it sends its own port once, and for each 'pass on' the numbers that it has forwarded since
// the last one, in order.

const [port, seed] = process.argv.slice(2).map(Number)
const socket = createSocket('udp4')
let held: Buffer[] = []
let state = seed

/** Returns an integer below `limit` (the generator of Numerical Recipes). */
function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * limit)
}

function shuffle(messages: Buffer[]): Buffer[] {
  for (let index = messages.length - 1; index > 0; index -= 1) {
    const other = random(index + 1)
    ;[messages[index], messages[other]] = [messages[other], messages[index]]
  }
  return messages
}

function passOn(): void {
  const messages = shuffle(held.flatMap((message) => Array.from({ length: 1 + (random(4) % 3) }, () => message)))
  held = []
  let left = messages.length
  const done = () => {
    left -= 1
    if (left === 0) process.send?.(messages.map((message) => message.readUInt32BE()))
  }
  for (const message of messages) socket.send(message, port, '127.0.0.1', done)
}

socket.on('message', (message) => held.push(message))
socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port))
process.on('message', (count: number) => {
  const wait = () => {
    if (held.length >= count) passOn()
    else setTimeout(wait, 1)
  }
  wait()
})
process.on('disconnect', () => process.exit())
