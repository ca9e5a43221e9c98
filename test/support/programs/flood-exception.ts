/**
 * Receives a burst on two sockets; then the callback of the first one throws, and the handler of the exception uses the second
 * one. Argument: `close`, `unref` or `writable`. Prints how many exceptions there were.
 */
import { setImmediate as loopIteration } from 'node:timers/promises'
import { BatchConn, RecvBatch, SendBatch } from '../../../src/index.js'

const how = process.argv[2]
const [first, second] = [open(), open()]
const to = [first.localAddress, second.localAddress]
let exceptions = 0
let throws = false

process.on('uncaughtException', () => {
  exceptions += 1
  if (exceptions === 1) react()
  // Without end, otherwise.
  if (exceptions > 10) process.exit(1)
})

first.onReadable(new RecvBatch(), () => {
  if (throws) throw new Error('of the callback')
})
second.onReadable(new RecvBatch(), () => {})

async function main(): Promise<void> {
  const sender = BatchConn.open()
  const out = new SendBatch({ capacity: 200 })
  for (let index = 0; index < 200; index += 1) out.append('x', to[index % 2])
  sender.send(out)
  for (let index = 0; index < 20; index += 1) await loopIteration()
  throws = true
  out.clear()
  out.append('x', to[0])
  sender.send(out)
  for (let index = 0; index < 300; index += 1) await loopIteration()
  console.log(exceptions === 1 ? 'one exception' : `${exceptions} exceptions`)
  process.exit()
}

function react(): void {
  if (how === 'close') second.close()
  else if (how === 'unref') second.unref()
  else void second.writable()
}

function open(): BatchConn {
  return BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
}

void main()
