// Connects viewers to the relay, and prints at each line of standard input how many RTP packets they have received.
import { createInterface } from 'node:readline'
import { RTCPeerConnection, useVP8 } from 'werift'

let received = 0

async function join(url: string): Promise<void> {
  const addresses = { iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'] }
  const peer = new RTCPeerConnection({ codecs: { video: [useVP8()] }, ...addresses })
  peer.addTransceiver('video', { direction: 'recvonly' }).onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe(() => {
      received += 1
    })
  })
  const connected = new Promise<void>((resolve, reject) => {
    peer.connectionStateChange.subscribe((state) => {
      if (state === 'connected') resolve()
      else if (state === 'failed') reject(new Error('a viewer could not connect'))
    })
  })
  await peer.setLocalDescription(await peer.createOffer())
  const response = await fetch(url, { method: 'POST', body: peer.localDescription?.sdp ?? '' })
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  await connected
}

async function main([port, count]: readonly number[]): Promise<void> {
  for (let viewer = 0; viewer < count; viewer += 1) await join(`http://127.0.0.1:${port}`)
  console.log('joined')
  for await (const _ of createInterface({ input: process.stdin })) console.log(`received ${received}`)
  process.exit()
}

main(process.argv.slice(2).map(Number))
