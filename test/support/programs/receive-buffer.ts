import { once } from 'node:events'
import { setImmediate as nextIteration } from 'node:timers/promises'
import dgram from '../../../src/dgram/index.js'
import { BatchConn } from '../../../src/index.js'

// receive-buffer WHAT: requests receive buffers, twice each, and prints the warnings: [code, message][].

const TOO_LARGE = 2 ** 30 - 1

async function main(what: string | undefined): Promise<void> {
  const warnings: unknown[] = []
  process.on('warning', (warning) => warnings.push([Reflect.get(warning, 'code'), warning.message]))
  for (let round = 0; round < 2; round += 1) {
    if (what === 'dgram') {
      const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: TOO_LARGE }).bind(0, '127.0.0.1')
      await once(socket, 'listening')
      socket.setRecvBufferSize(TOO_LARGE)
      socket.close()
    } else {
      BatchConn.open({ receiveBufferBytes: what === 'conn' ? TOO_LARGE : 8192 }).close()
    }
  }
  await nextIteration()
  console.log(JSON.stringify(warnings))
}

void main(process.argv[2])
