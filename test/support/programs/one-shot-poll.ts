// A runtime whose poll handles report one event and stop, as Deno's do. Prints how many waits ended, as JSON.

import koffi from 'koffi'

Object.defineProperty(process.versions, 'deno', { value: '2.0.0' })

interface Native {
  start(events: object, callback: () => void): void
  stop(): void
}

// Koffi's types show another callback than the one it calls.
const node = koffi.node as unknown as { poll(fd: number, events: object, callback: Callback): Native }
type Callback = (...given: readonly unknown[]) => void
const { poll } = node

node.poll = (fd, events, callback) => {
  const native = poll(fd, events, (...given) => {
    native.stop()
    callback(...given)
  })
  return native
}

async function main(): Promise<void> {
  const { BatchConn, RecvBatch, SendBatch } = await import('../../../src/index.js')
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const [out, inbox] = [new SendBatch(), new RecvBatch()]
  out.append('x', conn.localAddress)
  const waits = { readable: 0, onReadable: 0 }
  process.once('exit', () => console.log(JSON.stringify(waits)))
  for (; waits.readable < 3; waits.readable += 1) {
    await conn.sendAll(out)
    await conn.readable({ signal: AbortSignal.timeout(5000) })
    conn.recv(inbox)
    out.rewind()
  }
  const timer = setTimeout(() => conn.close(), 5000)
  conn.onReadable(inbox, () => {
    waits.onReadable += 1
    out.rewind()
    if (waits.onReadable < 3) return void conn.send(out)
    clearTimeout(timer)
    conn.close()
  })
  conn.send(out)
}

main()
