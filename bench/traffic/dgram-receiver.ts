import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { BatchConn, endpoint, type FeatureStatus } from '../../src/index.js'
import { HEADER_BYTES, HeaderOffset, headerWord, monotonicMicroseconds, sequenceOf } from './payload-header.js'
import {
  type ReceivePlan,
  type Receiver,
  type StreamStatistics,
  type Streams,
  UNNUMBERED,
  WANTED_RECEIVE_BUFFER_BYTES,
} from './streams.js'

/**
 * Opens and binds a receiver with `node:dgram` or with the drop-in for it: one event per datagram. The kernel's drops are
 * unknown. The socket is `exclusive`, so that an address in use is an error.
 */
export async function openDgramReceiver(
  { listen }: ReceivePlan,
  create: (options: SocketOptions) => Socket = createSocket,
): Promise<Receiver> {
  const type = listen.family === 'ipv4' ? 'udp4' : 'udp6'
  const socket = create({ type, recvBufferSize: WANTED_RECEIVE_BUFFER_BYTES })
  try {
    socket.bind({ address: listen.address, port: listen.port, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  const isDropIn = create !== createSocket
  const counts = { datagrams: 0, bytes: 0 }
  const { address, port } = socket.address()
  /** Time of the drop-in's last receive call that returned datagrams. */
  let callMs: number | undefined
  const record = (streams: Streams, message: Buffer): StreamStatistics | undefined => {
    // All datagrams of one call have the same arrival time, as with the library.
    const nowMs = callMs ?? performance.now()
    // Not `byteLength`, which is ten times as slow.
    const { length } = message
    counts.datagrams += 1
    counts.bytes += length
    const isNumbered = length >= HEADER_BYTES
    const statistics = streams.of(isNumbered ? headerWord(message, HeaderOffset.stream) : UNNUMBERED)
    if (statistics === undefined) return undefined
    statistics.noteCall(nowMs)
    if (isNumbered) {
      const sentMicroseconds = headerWord(message, HeaderOffset.microseconds)
      statistics.record(sequenceOf(message), sentMicroseconds, monotonicMicroseconds(nowMs), length)
    } else {
      statistics.recordUnnumbered(length)
    }
    return statistics
  }
  return {
    counts,
    kernelDrops: null,
    localAddress: endpoint({ address, port }),
    receiveBufferBytes: socket.getRecvBufferSize(),
    batch: isDropIn ? DROP_IN_BATCH : 1,
    gro: isDropIn ? groStatus() : { available: false, reason: 'node:dgram does not support GRO' },
    // Node allocates memory for the largest datagram.
    makeRoom() {},
    async run(streams, signal) {
      const receive = (message: Buffer, { port, address }: RemoteInfo) => {
        // With a callback, a reply that cannot be sent is lost, and the receiver goes on.
        if (record(streams, message)?.isEchoed) socket.send(message, port, address, () => {})
      }
      // The drop-in emits one event per receive call; Node makes one call per datagram.
      const noteCall = () => {
        callMs = performance.now()
      }
      socket.on('message', receive).on('batch', noteCall)
      if (!signal.aborted) await once(signal, 'abort')
      socket.off('message', receive).off('batch', noteCall)
    },
    close: () => socket.close(),
  }
}

/** Whether sockets of this process support GRO. */
function groStatus(): FeatureStatus {
  using conn = BatchConn.open({ gro: true })
  return conn.gro
}

/** docs/dgram.md. */
const DROP_IN_BATCH = 64
