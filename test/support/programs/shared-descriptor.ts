/**
 * Cluster workers share a descriptor with queued datagrams. Each closes its socket after a number of them. Prints how
 * many each received. Arguments: number of workers, of datagrams, of datagrams after which a worker closes.
 */
import cluster from 'node:cluster'
import { createSocket } from 'node:dgram'
import dgram from '../../../src/dgram/index.js'

const [workers, datagrams, limit] = process.argv.slice(2).map(Number)

function primary(): void {
  const counts: number[] = []
  let ready = 0
  for (let index = 0; index < workers; index += 1) {
    cluster.fork().on('message', (message: { port?: number; count?: number }) => {
      if (message.port !== undefined && ++ready === workers) fill(message.port)
      if (message.count === undefined) return
      counts.push(message.count)
      if (counts.length < workers) return
      console.log(JSON.stringify(counts))
      process.exit()
    })
  }
}

function fill(port: number): void {
  const sender = createSocket('udp4')
  let left = datagrams
  for (let index = 0; index < datagrams; index += 1) {
    sender.send(`message ${index}`, port, '127.0.0.1', () => {
      left -= 1
      if (left === 0) sender.close()
    })
  }
}

function worker(): void {
  const socket = dgram.createSocket('udp4')
  let count = 0
  socket.on('message', () => {
    count += 1
    if (count < limit) return
    socket.close()
    process.send?.({ count })
    cluster.worker?.disconnect()
  })
  socket.bind(0, '127.0.0.1', () => process.send?.({ port: socket.address().port }))
}

if (cluster.isPrimary) primary()
else worker()
