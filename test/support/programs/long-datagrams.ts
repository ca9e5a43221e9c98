/**
 * Sends short and long datagrams to itself, by way of an interface that cannot carry the long ones whole. Prints which
 * lengths arrived and what the callbacks said.
 */
import { once } from 'node:events'
import dgram from '../../../src/dgram/index.js'

const SIZES = [100, 100, 3000, 100, 1472, 1473, 3000, 3000, 100, 70_000, 100]
const UNSENDABLE = 1
const DEADLINE_MS = 5000

async function main(): Promise<void> {
  const receiver = dgram.createSocket('udp4')
  const sender = dgram.createSocket('udp4')
  receiver.bind(0, '127.0.0.1')
  sender.bind(0, '127.0.0.1')
  await Promise.all([once(receiver, 'listening'), once(sender, 'listening')])
  const { port } = receiver.address()
  const arrived: number[] = []
  const codes: (string | undefined)[] = []
  const all = new Promise<void>((resolve) => {
    setTimeout(resolve, DEADLINE_MS).unref()
    receiver.on('message', (bytes) => {
      if (arrived.push(bytes.length) === SIZES.length - UNSENDABLE) resolve()
    })
  })
  for (const size of SIZES) {
    sender.send(Buffer.alloc(size), port, '127.0.0.1', (error) => {
      codes.push((error as NodeJS.ErrnoException | null)?.code)
    })
  }
  await all
  process.stdout.write(JSON.stringify({ arrived, codes: codes.map((code) => code ?? 'sent') }))
  receiver.close()
  sender.close()
}

void main()
