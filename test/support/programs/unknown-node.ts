/**
 * A Node whose dgram stores its state elsewhere: the drop-in must work as node:dgram. Prints the received message and
 * the warnings.
 */
const { getOwnPropertySymbols } = Object
Object.getOwnPropertySymbols = (object) =>
  getOwnPropertySymbols(object).filter(({ description }) => description !== 'state symbol')

const warnings: string[] = []
process.on('warning', (warning) => warnings.push(String(Reflect.get(warning, 'code'))))

const { default: dgram } = require('../../../src/dgram/index.js') as typeof import('../../../src/dgram/index.js')

const sockets = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
const [receiver, sender] = sockets
receiver.on('message', (bytes, { size }) => {
  setImmediate(() => {
    console.log(JSON.stringify({ text: bytes.toString(), size, batching: receiver.batching.available, warnings }))
    for (const socket of sockets) socket.close()
  })
})
receiver.bind(0, '127.0.0.1', () => sender.send('by node:dgram', receiver.address().port, '127.0.0.1'))
