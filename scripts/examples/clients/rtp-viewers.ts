// Subscribes sockets to the relay, and prints at each line of standard input how many datagrams they have received.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createSocket } from '../../../src/dgram/index.js'

async function main([port, count]: readonly number[]): Promise<void> {
  const sockets = Array.from({ length: count }, () =>
    createSocket({ type: 'udp4', recvBufferSize: 1 << 20 }).on('batch', () => {}),
  )
  for (const socket of sockets) socket.send('subscribe', port, '127.0.0.1')
  await once(sockets[count - 1], 'listening')
  console.log('subscribed')
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(`received ${sockets.reduce((sum, { stats }) => sum + stats.receivedDatagrams, 0)}`)
  }
  process.exit()
}

main(process.argv.slice(2).map(Number))
