import { once } from 'node:events'
import t from 'tap'
import dgram from '../../src/dgram/index.js'

// Payloads with false properties: the drop-in must send, and count, the bytes that the view really has.

/** A view whose own properties hide those of the engine. */
function lying<View extends object>(view: View, properties: Readonly<Record<string, unknown>>): View {
  for (const [name, value] of Object.entries(properties)) Object.defineProperty(view, name, { value })
  return view
}

const pooled = Buffer.from('of three')
const threeBytes = () => new DataView(pooled.buffer, pooled.byteOffset, 3)

const payloads: Readonly<Record<string, { payload: () => NodeJS.ArrayBufferView; size: number }>> = {
  'a longer length': { payload: () => lying(new Uint8Array(10), { length: 60_000 }), size: 10 },
  'a length that is no number': { payload: () => lying(new Uint8Array(10), { length: Number.NaN }), size: 10 },
  'another offset and byte length': {
    payload: () => lying(new Uint8Array(10), { byteOffset: 5, byteLength: 60_000 }),
    size: 10,
  },
  'a DataView that reaches into other memory': { payload: () => lying(threeBytes(), { byteLength: 2000 }), size: 3 },
  'a long view with a short length': { payload: () => lying(new Uint8Array(2000), { length: 5 }), size: 2000 },
}

for (const [what, { payload, size }] of Object.entries(payloads)) {
  t.test(`the drop-in sends the real bytes of a view with ${what}`, async (t) => {
    const socket = dgram.createSocket('udp4')
    t.teardown(() => socket.close())
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    const sizes: number[] = []
    const all = new Promise<void>((resolve) => {
      socket.on('message', (bytes) => {
        if (sizes.push(bytes.length) === 2) resolve()
      })
    })
    socket.send(payload(), port, '127.0.0.1')
    socket.send(payload(), { port, address: '127.0.0.1' })
    await all
    t.strictSame(sizes, [size, size])
    t.strictSame([socket.getSendQueueSize(), socket.getSendQueueCount()], [0, 0])
  })
}

t.test('a Proxy of bytes is rejected, as by node:dgram', async (t) => {
  const socket = dgram.createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.throws(() => socket.send(new Proxy(new Uint8Array(3), {}), 9, '127.0.0.1'), { code: 'ERR_INVALID_ARG_TYPE' })
  t.equal(socket.getSendQueueCount(), 0)
})
