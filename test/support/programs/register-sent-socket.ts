import { fork } from 'node:child_process'
import * as dgram from 'node:dgram'
import { once } from 'node:events'

// Sends a bound socket to a forked process, which inherits the preloaded modules. Prints how the child used it.

interface Received {
  readonly isSocket: boolean
  readonly batching: unknown
  readonly message: string
}

async function main(): Promise<void> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const child = fork(__filename, ['child'])
  child.send('socket', socket)
  await once(child, 'message')
  socket.close()
  const sender = dgram.createSocket('udp4')
  const answered = once(sender, 'message')
  sender.send('question', port, '127.0.0.1')
  const [received] = await once(child, 'message')
  const [answer] = await answered
  sender.close()
  console.log(JSON.stringify({ received, answer: String(answer) }))
}

function runChild(): void {
  process.once('message', (_text, socket: dgram.Socket) => {
    socket.once('message', (message, { port, address }) => {
      const batching = Reflect.get(socket, 'batching')
      const received: Received = { isSocket: socket instanceof dgram.Socket, batching, message: String(message) }
      socket.send('answer', port, address, () => {
        socket.close()
        process.send?.(received, () => process.disconnect())
      })
    })
    process.send?.('ready')
  })
}

if (process.argv[2] === 'child') runChild()
else main()
