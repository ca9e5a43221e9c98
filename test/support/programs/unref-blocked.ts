/**
 * Sends more than its send buffer holds from an unref'd socket to the address given as argument, and ends by itself.
 * Prints how many messages were sent.
 */
import dgram from '../../../src/dgram/index.js'

const COUNT = 400
const [, , address] = process.argv
const socket = dgram.createSocket({ type: 'udp4', sendBufferSize: 8192 })
let sent = 0

process.on('exit', () => console.log(`${sent} of ${COUNT}`))

socket.bind(0, () => {
  socket.unref()
  for (let index = 0; index < COUNT; index += 1) {
    socket.send(Buffer.alloc(1000), 9, address, (error) => {
      if (error === null) sent += 1
    })
  }
})
