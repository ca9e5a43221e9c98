// A chat without a server: each line of standard input goes to a multicast group, and the lines of the group are printed.
//
//   npx ts-node examples/multicast-chat.ts <name> [group] [port] [interface address]
//
// Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'; with 'node:dgram' in its place it is the
// same program, for comparison.
import { createInterface } from 'node:readline'
import { createSocket } from '../src/dgram/index.js'

const [name = 'guest', group = '239.255.0.7', port = '5007', local = '127.0.0.1'] = process.argv.slice(2)

// reuseAddr: several members on one host. Each of them receives every datagram of the group.
const socket = createSocket({ type: 'udp4', reuseAddr: true })

socket.on('message', (message) => console.log(printable(message.toString())))

// Bound to the group's address, the socket receives nothing that was sent to another address of this host.
socket.bind(Number(port), group, () => {
  socket.addMembership(group, local)
  socket.setMulticastInterface(local)
  socket.setMulticastTTL(1)
  socket.setMulticastLoopback(true)
  console.log(`${name} is in ${group}:${port}`)
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => socket.send(`${name}: ${line}`, Number(port), group))
  lines.on('close', () => socket.close())
})

/** Any host of the network can send to the group: control characters could change the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\u{fffd}')
}
