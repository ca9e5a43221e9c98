/** The part of werift that the examples use: it has 30 MB, and is not a dependency. */
declare module 'werift' {
  interface Event<T> {
    subscribe(listener: (value: T) => void): unknown
  }
  type State = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'
  interface Description {
    readonly type: 'offer' | 'answer'
    readonly sdp: string
  }
  interface Codec {
    readonly mimeType: string
  }
  interface Transceiver {
    readonly onTrack: Event<MediaStreamTrack>
  }
  export class RtpPacket {
    readonly payload: Buffer
    static deSerialize(bytes: Buffer): RtpPacket
  }
  export class MediaStreamTrack {
    constructor(properties: { kind: 'audio' | 'video' })
    readonly onReceiveRtp: Event<RtpPacket>
    writeRtp(packet: RtpPacket): void
  }
  export class RTCPeerConnection {
    constructor(options: {
      codecs: { video: Codec[] }
      iceServers: { urls: string }[]
      iceUseIpv6: boolean
      iceAdditionalHostAddresses: string[]
    })
    readonly connectionState: State
    readonly connectionStateChange: Event<State>
    readonly localDescription: Description | undefined
    addTransceiver(what: MediaStreamTrack | 'video', options: { direction: 'sendonly' | 'recvonly' }): Transceiver
    createOffer(): Promise<Description>
    createAnswer(): Promise<Description>
    setLocalDescription(description: Description): Promise<unknown>
    setRemoteDescription(description: Description): Promise<void>
    close(): Promise<void>
  }
  export function useVP8(): Codec
}
