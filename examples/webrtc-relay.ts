// Relays an RTP stream of VP8 video to browsers by WebRTC, with werift. A viewer posts its offer, and receives the answer.
//
//   npm install --no-save werift
//   npx ts-node examples/webrtc-relay.ts [RTP port] [HTTP port] [address]
//   ffmpeg -re -i video.mp4 -an -c:v libvpx -deadline realtime -b:v 2M -g 60 -f rtp 'rtp://127.0.0.1:5004?pkt_size=1200'
//
// Then open http://127.0.0.1:8080. Who can reach the HTTP port can watch: outside a trusted network, require a secret.
// Requires Node 22 or newer, for werift, whose sockets are those of node:dgram. The first import makes them batch:
// outside this repository, replace it by 'batchconn/register'; without it this is the same relay, for comparison.
import '../src/dgram/register.js'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { MediaStreamTrack, RTCPeerConnection, RtpPacket, useVP8 } from 'werift'

const MAX_VIEWERS = 100
const CONNECT_MS = 30_000

const PAGE = `<!doctype html><title>Relay</title><video autoplay muted controls></video>
<script type="module">
  const peer = new RTCPeerConnection()
  peer.ontrack = ({ track }) => { document.querySelector('video').srcObject = new MediaStream([track]) }
  peer.addTransceiver('video', { direction: 'recvonly' })
  await peer.setLocalDescription()
  const response = await fetch('/', { method: 'POST', body: peer.localDescription.sdp })
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
</script>`

const viewers = new Map<RTCPeerConnection, MediaStreamTrack>()

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') response.setHeader('Content-Type', 'text/html').end(PAGE)
  else if (viewers.size >= MAX_VIEWERS) response.writeHead(503).end('too many viewers')
  else {
    try {
      const answer = await addViewer(await text(request))
      response.writeHead(201, { 'Content-Type': 'application/sdp' }).end(answer)
    } catch {
      response.writeHead(400).end('expected an offer (SDP)')
    }
  }
}

/** Returns the answer to the offer of a new viewer. */
async function addViewer(offer: string): Promise<string | undefined> {
  // werift leaves out the loopback interface by itself.
  const addresses = { iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'] }
  const peer = new RTCPeerConnection({ codecs: { video: [useVP8()] }, ...addresses })
  const track = new MediaStreamTrack({ kind: 'video' })
  viewers.set(peer, track)
  peer.addTransceiver(track, { direction: 'sendonly' })
  peer.connectionStateChange.subscribe((state) => {
    if (state === 'connected') console.log('a viewer has joined')
    else if (state === 'failed') peer.close()
    else if (state === 'closed' && viewers.delete(peer)) console.log('a viewer has left')
  })
  // An offer without video is no error, and its viewer never connects.
  setTimeout(() => peer.connectionState !== 'connected' && peer.close(), CONNECT_MS)
  try {
    await peer.setRemoteDescription({ type: 'offer', sdp: offer })
    await peer.setLocalDescription(await peer.createAnswer())
    return peer.localDescription?.sdp
  } catch (error) {
    await peer.close()
    throw error
  }
}

function parse(bytes: Buffer): RtpPacket | undefined {
  try {
    return RtpPacket.deSerialize(bytes)
  } catch {
    return undefined
  }
}

async function main(): Promise<void> {
  const [rtpPort = '5004', httpPort = '8080', address = '127.0.0.1'] = process.argv.slice(2)
  // The packets of a frame arrive together. Sent viewer by viewer, those of one viewer leave in one GSO send.
  const frame: RtpPacket[] = []
  const sendFrame = () => {
    for (const track of viewers.values()) for (const packet of frame) track.writeRtp(packet)
    frame.length = 0
  }
  const source = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }, (bytes) => {
    const packet = parse(bytes)
    if (packet !== undefined && frame.push(packet) === 1) setImmediate(sendFrame)
  })
  source.bind(Number(rtpPort), address)
  const server = createServer(respond).listen(Number(httpPort), address)
  await Promise.all([once(source, 'listening'), once(server, 'listening')])
  const page = `http://${address}:${Object(server.address()).port}`
  console.log(`RTP on ${address}:${source.address().port}, viewers on ${page}`)
}

main()
