import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { RecvBatch, SendBatch } from '../../../src/index.js'
import { Arena } from '../../../src/memory/arena.js'
import { boundSocket, drain } from '../sockets.js'

// Detaches the memory of arenas and batches, as ArrayBuffer.prototype.transfer can, and prints the errors of their
// methods.
setFlagsFromString('--allow-natives-syntax')
const detach = new Function('buffer', '%ArrayBufferDetach(buffer)') as (buffer: ArrayBufferLike) => void

function outcome(act: () => unknown): string {
  try {
    return `no error: ${act()}`
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string }
    return `${name} ${code}: ${message}`
  }
}

async function main(): Promise<void> {
  using receiver = boundSocket()
  using sender = boundSocket()

  const arena = new Arena({ only: 64 })
  detach(arena.bytes.buffer)

  const out = new SendBatch({ capacity: 3 })
  out.append('one', receiver.localAddress)
  out.append('two', receiver.localAddress)
  detach(out.slots.bytes.buffer)

  const inbox = new RecvBatch({ capacity: 2 })
  detach(inbox.slots.bytes.buffer)

  const referring = new SendBatch({ capacity: 2 })
  const payload = Buffer.from(new ArrayBuffer(100))
  referring.append('copied', receiver.localAddress)
  referring.appendReference(payload, receiver.localAddress)
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(payload.buffer, [payload.buffer])
  await once(port2, 'message')
  port2.close()

  const result = {
    arena: outcome(() => arena.assertAttached()),
    send: outcome(() => sender.send(out)),
    appendText: outcome(() => out.append('x')),
    appendBytes: outcome(() => out.append(Buffer.from('x'))),
    reserve: outcome(() => out.reserve(1)),
    recv: outcome(() => receiver.recv(inbox)),
    before: outcome(() => sender.send(referring)),
    reference: outcome(() => sender.send(referring)),
    referenceByteLength: payload.byteLength,
    sent: [out.sent, referring.sent],
    arrived: drain(receiver).map(({ text }) => text),
  }
  process.stdout.write(JSON.stringify(result))
}

void main()
