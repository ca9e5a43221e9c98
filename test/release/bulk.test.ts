import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { client, portIn, start } from '../examples/example.js'

const CHUNK_BYTES = 1392

/** Reads and writes lines of JSON. */
function json(control: Socket) {
  const lines = createInterface({ input: control })[Symbol.asyncIterator]()
  return {
    read: async () => JSON.parse((await lines.next()).value),
    write: (message: object) => control.write(`${JSON.stringify(message)}\n`),
  }
}

for (const over of ['batchconn', 'node:dgram']) {
  for (const size of [0, 1, CHUNK_BYTES, 45 * CHUNK_BYTES, 3_000_001]) {
    t.test(`a file of ${size} bytes arrives, over ${over}`, async (t) => {
      const folder = t.testdir({ sent: '' })
      const content = randomBytes(size)
      writeFileSync(join(folder, 'sent'), content)
      const receiver = start(t, 'bulk-receive.ts', [join(folder, 'received'), 0])
      const port = portIn(await receiver.line())
      const sender = start(t, 'bulk-send.ts', ['127.0.0.1', port, join(folder, 'sent'), 500, over])
      t.match(await sender.line(), new RegExp(`^${size} bytes in .* verified$`))
      t.equal(await receiver.line(), `${size} bytes, verified`)
      for (const example of [sender, receiver]) t.strictSame(await example.end(), { code: 0, stderr: '' })
      t.ok(readFileSync(join(folder, 'received')).equals(content))
    })
  }
}

t.test('the receiver asks for what was lost, and ignores what does not belong', async (t) => {
  const path = join(t.testdir(), 'received')
  const receiver = start(t, 'bulk-receive.ts', [path, 0])
  const control = connect(portIn(await receiver.line()), '127.0.0.1')
  const { read, write } = json(control)
  const content = randomBytes(4 * CHUNK_BYTES - 1)
  const sha256 = createHash('sha256').update(content).digest('hex')
  write({ bytes: content.length, chunkBytes: CHUNK_BYTES, sha256 })
  const { id, udpPort } = await read()

  const socket = await client(t, '127.0.0.1')
  const send = (index: number, body: Buffer, owner = id) => {
    const header = Buffer.alloc(8)
    header.writeUInt32BE(index, header.writeUInt32BE(owner))
    sent.push(new Promise((resolve) => socket.send([header, body], udpPort, '127.0.0.1', resolve)))
  }
  // The question must not reach the receiver before the chunks.
  const sent: Promise<unknown>[] = []
  const ask = async () => {
    await Promise.all(sent)
    write({})
    return read()
  }
  const chunk = (index: number) => content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
  const junk = Buffer.alloc(CHUNK_BYTES)
  send(1, junk, (id + 1) % 2 ** 32)
  send(1, junk.subarray(1))
  send(3, junk)
  send(4, junk)
  send(2 ** 32 - 1, junk)
  socket.send('short', udpPort, '127.0.0.1')
  send(2, chunk(2))
  send(2, junk)
  send(0, chunk(0))
  t.strictSame(await ask(), { missing: [1, 3], verified: false })
  send(3, chunk(3))
  send(1, chunk(1))
  t.strictSame(await ask(), { missing: [], verified: true })
  control.end()
  t.equal(await receiver.line(), `${content.length} bytes, verified`)
  t.strictSame(await receiver.end(), { code: 0, stderr: '' })
  t.ok(readFileSync(path).equals(content))
})

t.test('the receiver reports a wrong checksum', async (t) => {
  const receiver = start(t, 'bulk-receive.ts', [join(t.testdir(), 'received'), 0])
  const control = connect(portIn(await receiver.line()), '127.0.0.1')
  const { read, write } = json(control)
  write({ bytes: 0, chunkBytes: CHUNK_BYTES, sha256: 'another' })
  await read()
  write({})
  t.strictSame(await read(), { missing: [], verified: false })
  control.end()
  t.equal(await receiver.line(), '0 bytes, damaged')
})

for (const over of ['batchconn', 'node:dgram']) {
  t.test(`the sender repeats what the receiver lacks, over ${over}`, async (t) => {
    const path = join(t.testdir({ sent: '' }), 'sent')
    const content = randomBytes(100 * CHUNK_BYTES - 7)
    writeFileSync(path, content)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const sender = start(t, 'bulk-send.ts', ['127.0.0.1', portIn(`:${Object(server.address()).port}`), path, 100, over])
    const [control] = await once(server, 'connection')
    const { read, write } = json(control)
    t.strictSame(await read(), {
      bytes: content.length,
      chunkBytes: CHUNK_BYTES,
      sha256: createHash('sha256').update(content).digest('hex'),
    })
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 }).bind(0, '127.0.0.1')
    await once(socket, 'listening')
    t.teardown(() => socket.close())
    const chunks: number[] = []
    socket.on('message', (bytes) => {
      const index = bytes.readUInt32BE(4)
      chunks.push(bytes.readUInt32BE() === 7 ? index : -1)
      const expected = content.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)
      if (!bytes.subarray(8).equals(expected)) t.fail('other bytes than the chunk has', { index })
    })
    const arrived = async (count: number) => {
      while (chunks.length < count) await once(socket, 'message')
      return chunks.splice(0).sort((one, other) => one - other)
    }
    write({ id: 7, udpPort: socket.address().port })
    t.strictSame(await read(), { sent: 100 })
    t.strictSame(await arrived(100), Array.from(Array(100).keys()))
    const missing = [0, 3, 4, 5, 98, 99]
    write({ missing, verified: false })
    t.strictSame(await read(), { sent: 106 })
    t.strictSame(await arrived(6), missing)
    write({ missing: [], verified: true })
    t.match(await sender.line(), / 106 datagrams, verified$/)
    t.strictSame(await sender.end(), { code: 0, stderr: '' })
  })
}
