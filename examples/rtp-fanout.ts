// Relays an RTP stream to every viewer. A viewer subscribes by sending any datagram to the viewer port, and again at least
// every 30 seconds.
//
//   npx ts-node examples/rtp-fanout.ts [RTP port] [viewer port] [address]
//   ffmpeg -re -i video.mp4 -an -c:v copy -f rtp rtp://127.0.0.1:5004
//
// Source addresses can be forged: outside a trusted network, require a secret in the subscription.
// Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'; with 'node:dgram' in its place it is the
// same relay, for comparison.
import { once } from 'node:events'
import { createSocket } from '../src/dgram/index.js'

const SUBSCRIPTION_MS = 30_000
const MAX_VIEWERS = 1000

interface Viewer {
  readonly address: string
  readonly port: number
  until: number
}

async function main(): Promise<void> {
  const [rtpPort = '5004', viewerPort = '5006', local = '127.0.0.1'] = process.argv.slice(2)
  const viewers = new Map<string, Viewer>()
  const buffers = { recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 }

  const out = createSocket({ type: 'udp4', ...buffers }, (_, { address, port }) => {
    const until = Date.now() + SUBSCRIPTION_MS
    const viewer = viewers.get(`${address}:${port}`)
    if (viewer !== undefined) viewer.until = until
    else if (viewers.size < MAX_VIEWERS && port !== 0) viewers.set(`${address}:${port}`, { address, port, until })
  })
  out.bind(Number(viewerPort), local)

  // The packets of a frame arrive together. Sent viewer by viewer, those of one viewer leave in one GSO send.
  const frame: Buffer[] = []
  const sendFrame = () => {
    for (const { address, port } of viewers.values()) for (const packet of frame) out.send(packet, port, address)
    frame.length = 0
  }
  const source = createSocket({ type: 'udp4', ...buffers }, (packet) => {
    if (isRtp(packet) && frame.push(packet) === 1) setImmediate(sendFrame)
  })
  source.bind(Number(rtpPort), local)

  setInterval(() => {
    for (const [key, { until }] of viewers) if (until < Date.now()) viewers.delete(key)
  }, 1000)
  await Promise.all([once(out, 'listening'), once(source, 'listening')])
  console.log(`RTP on ${local}:${source.address().port}, viewers on ${local}:${out.address().port}`)
}

/** RFC 3550, 5.1: 12 bytes of header, version 2. */
function isRtp(packet: Buffer): boolean {
  return packet.length >= 12 && packet[0] >> 6 === 2
}

main()
