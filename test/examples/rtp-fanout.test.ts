import t from 'tap'
import { client, collect, isSame, start } from './example.js'

t.test('every viewer receives every packet in order, and nothing else', async (t) => {
  const example = start(t, 'rtp-fanout.ts', [0, 0])
  const [rtpPort, viewerPort] = Array.from((await example.line()).matchAll(/:(\d+)/g), ([, port]) => Number(port))
  const publisher = await client(t, '127.0.0.1')
  const viewers = await Promise.all([1, 2, 3].map(() => client(t, '127.0.0.1')))
  // A frame of packets of one size and its shorter end, which leave as GSO sends.
  const packets = [...Array(12).fill(1200), 300, 12].map((size, index) => Buffer.alloc(size, index).fill(0x80, 0, 1))
  const probe = Buffer.alloc(12, 0x81)

  for (const viewer of viewers) {
    // Packets that are sent before the relay has read the subscription do not arrive.
    const subscribed = collect(viewer, 1, viewerPort)
    viewer.send('subscribe', viewerPort, '127.0.0.1')
    const probing = setInterval(() => publisher.send(probe, rtpPort, '127.0.0.1'), 20)
    await subscribed
    clearInterval(probing)
  }
  const streams = viewers.map((viewer) => {
    const received: Buffer[] = []
    return new Promise<Buffer[]>((resolve) =>
      viewer.on('message', (bytes) => {
        if (!bytes.equals(probe) && received.push(bytes) === packets.length) resolve(received)
      }),
    )
  })
  for (const packet of [Buffer.alloc(11, 0x80), Buffer.alloc(100, 0x40), ...packets]) {
    publisher.send(packet, rtpPort, '127.0.0.1')
  }
  for (const received of await Promise.all(streams)) t.ok(isSame(received, packets))
  example.child.kill()
  t.equal((await example.end()).stderr, '')
})
