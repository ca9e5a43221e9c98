/** Receives five datagrams at once; a tick between two of them throws. Argument: `handled` to handle the exception. */
import dgram from '../../../src/dgram/index.js'

if (process.argv[2] === 'handled') process.on('uncaughtException', ({ message }) => console.log('uncaught', message))
const socket = dgram.createSocket('udp4')
socket.on('message', (bytes) => {
  console.log(String(bytes))
  if (String(bytes) === '2') {
    process.nextTick(() => {
      throw new Error('a tick')
    })
  }
  if (String(bytes) === '5') socket.close()
})
socket.bind(0, '127.0.0.1', () => {
  for (const text of '12345') socket.send(text, socket.address().port, '127.0.0.1')
})
