import { BatchConn, type ReusePortOptions } from '../../../src/index.js'

// Binds two sockets of a steered group per family, and prints how many could.

const reusePort: ReusePortOptions = { steer: 'random', sockets: 2 }
let bound = 0
for (const [family, address] of [
  ['ipv4', '0.0.0.0'],
  ['ipv6', '::'],
] as const) {
  const first = BatchConn.open({ family, reusePort }).bind({ address, port: 0 })
  BatchConn.open({ family, reusePort }).bind(first.localAddress)
  bound += 2
}
console.log(JSON.stringify(bound))
