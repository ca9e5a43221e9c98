import { BatchConn, endpoint, probe, RecvBatch, SendBatch } from '../../../src/index.js'
import { dgramActivities } from './ends-dgram-activities.js'
import { GROUP_SENDERS, openSocket, repeat, repeatAtOnce, type Scene, sendTraffic } from './ends-scene.js'

/** Use of sockets by a thread until it ends. */
export type Activity = (scene: Scene) => void

/** Activities by name. */
export const activities: Readonly<Record<string, Activity>> = {
  'onReadable callback': (scene) => readWith(scene, () => scene.moment()),
  'tick of a callback': (scene) => readWith(scene, () => process.nextTick(() => scene.moment())),
  'microtask of a callback': (scene) => readWith(scene, () => queueMicrotask(() => scene.moment())),
  'async callback': (scene) =>
    readWith(scene, async () => {
      await null
      scene.moment()
    }),
  'setImmediate of a callback': (scene) => readWith(scene, () => void setImmediate(() => scene.moment())),
  'await readable()': async (scene) => {
    const conn = openSocket(scene)
    const inbox = new RecvBatch()
    sendTraffic(scene, conn.localAddress)
    for (;;) {
      await conn.readable()
      conn.recv(inbox)
      scene.moment()
    }
  },
  'for await over batches()': async (scene) => {
    const conn = openSocket(scene)
    sendTraffic(scene, conn.localAddress)
    for await (const _ of conn.batches(new RecvBatch())) scene.moment()
  },
  'sendAll that is blocked': (scene) => {
    const { conn, out } = slowSocket(scene)
    void conn.sendAll(out)
    if (out.remaining === 0) throw new Error('the send did not block')
    if (scene.mode !== 'natural') setInterval(() => scene.moment(), 1)
  },
  recvBlocking: (scene) => receiveBlocking(scene, openSocket(scene)),
  waitWritable: (scene) => {
    const { conn, out } = slowSocket(scene)
    conn.send(out)
    repeatAtOnce(scene, () => {
      scene.started()
      if (conn.waitWritable(scene.mode === 'blocking' ? {} : { timeoutMs: 2 })) conn.send(out)
      scene.moment()
    })
  },
  'sending in a loop': (scene) => {
    const conn = openSocket(scene)
    const out = new SendBatch()
    for (let index = 0; index < out.capacity; index += 1) out.append('x', conn.localAddress)
    repeatAtOnce(scene, () => {
      out.rewind()
      conn.send(out)
      scene.moment()
    })
  },
  'idle socket': (scene) => {
    openSocket(scene).onReadable(new RecvBatch(), () => {})
    if (scene.mode !== 'natural') setInterval(() => scene.moment(), 1)
  },
  'opening and closing': (scene) => {
    const inbox = new RecvBatch()
    repeatAtOnce(scene, () => {
      const [watched, awaited, unused] = [openSocket(scene), openSocket(scene), openSocket(scene)]
      watched.onReadable(inbox, () => {})
      awaited.readable().catch(() => {})
      scene.moment()
      for (const conn of [awaited, unused, watched]) conn.close()
    })
  },
  probing: (scene) =>
    repeatAtOnce(scene, () => {
      probe()
      scene.moment()
    }),
  'gro socket': (scene) => {
    const conn = openSocket(scene, { gro: true })
    conn.onReadable(new RecvBatch({ gro: true, capacity: 8 }), () => scene.moment())
    sendTraffic(scene, conn.localAddress, { segmentBytes: 500 })
  },
  'recvErrors with errors pending': async (scene) => {
    const gone = openSocket(scene)
    const { localAddress } = gone
    gone.close()
    const conn = openSocket(scene, { recvErrors: true })
    sendTraffic(scene, localAddress, undefined, [conn])
    for (;;) {
      await conn.readable()
      scene.moment()
      conn.takeErrors()
    }
  },
  'reusePort socket': (scene) => {
    const conn = openSocket(scene, { reusePort: true }, scene.groupPort)
    conn.onReadable(new RecvBatch(), () => scene.moment())
    const senders = Array.from({ length: GROUP_SENDERS }, () => BatchConn.open())
    sendTraffic(scene, conn.localAddress, {}, senders)
  },
  'reusePort socket in recvBlocking': (scene) =>
    receiveBlocking(scene, openSocket(scene, { reusePort: true }, scene.groupPort)),
  ...dgramActivities,
}

function readWith(scene: Scene, callback: () => void): void {
  const conn = openSocket(scene)
  conn.onReadable(new RecvBatch(), callback)
  sendTraffic(scene, conn.localAddress)
}

function receiveBlocking(scene: Scene, conn: BatchConn): void {
  const inbox = new RecvBatch()
  if (scene.mode === 'yielding') repeat(scene, () => sendOnce(conn))
  repeatAtOnce(scene, () => {
    scene.started()
    conn.recvBlocking(inbox, scene.mode === 'blocking' ? {} : { timeoutMs: 2 })
    scene.moment()
  })
}

function sendOnce(conn: BatchConn): void {
  const out = new SendBatch({ capacity: 1 })
  out.append('traffic', conn.localAddress)
  conn.send(out)
}

/** Returns a socket with a small send buffer, and more messages than it accepts, for a peer behind a slow device. */
function slowSocket(scene: Scene) {
  if (scene.slowPeer === undefined) throw new Error('this activity requires a slow device')
  const peer = endpoint({ address: scene.slowPeer, port: 9 })
  const conn = openSocket(scene, { sendBufferBytes: 4096 }, 0, '0.0.0.0')
  const out = new SendBatch()
  for (let index = 0; index < out.capacity; index += 1) out.append(Buffer.alloc(1400), peer)
  return { conn, out }
}
