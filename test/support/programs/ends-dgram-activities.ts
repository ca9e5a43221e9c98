import nodeDgram from 'node:dgram'
import dropIn from '../../../src/dgram/index.js'
import type { Activity } from './ends-activities.js'
import { GROUP_SENDERS, repeat, type Scene } from './ends-scene.js'

/** Activities with sockets of the drop-in, and for comparison with Node's own. */
export const dgramActivities: Readonly<Record<string, Activity>> = {
  'drop-in: message listener': (scene) => listen(scene, dropIn, () => scene.moment()),
  'drop-in: tick of a listener': (scene) => listen(scene, dropIn, () => process.nextTick(() => scene.moment())),
  'drop-in: queued sends': (scene) =>
    withSocket(scene, dropIn, (socket) => {
      const { port } = socket.address()
      repeat(scene, () => {
        for (let index = 0; index < 100; index += 1) socket.send(`traffic ${index}`, port, '127.0.0.1', () => {})
        scene.moment()
      })
    }),
  'drop-in: idle socket': (scene) => idle(scene, dropIn),
  'drop-in: reusePort socket': (scene) => {
    const socket = prepare(scene, dropIn.createSocket({ type: 'udp4', reusePort: true }))
    socket.on('message', () => scene.moment())
    socket.bind(scene.groupPort, '127.0.0.1', () => {
      for (let index = 0; index < GROUP_SENDERS; index += 1) sendTo(scene, dropIn, socket.address().port)
    })
  },
  'node:dgram: message listener': (scene) => listen(scene, nodeDgram, () => scene.moment()),
  'node:dgram: idle socket': (scene) => idle(scene, nodeDgram),
}

type Dgram = Pick<typeof nodeDgram, 'createSocket'>

function listen(scene: Scene, dgram: Dgram, listener: () => void): void {
  withSocket(scene, dgram, (socket) => {
    socket.on('message', listener)
    sendTo(scene, dgram, socket.address().port)
  })
}

function idle(scene: Scene, dgram: Dgram): void {
  withSocket(scene, dgram, (socket) => {
    socket.on('message', () => {})
    if (scene.mode !== 'natural') setInterval(() => scene.moment(), 1)
  })
}

/** A bound socket. */
function withSocket(scene: Scene, dgram: Dgram, use: (socket: nodeDgram.Socket) => void): void {
  const socket = prepare(scene, dgram.createSocket('udp4'))
  socket.bind(0, '127.0.0.1', () => use(socket))
}

function sendTo(scene: Scene, dgram: Dgram, port: number): void {
  const sender = prepare(scene, dgram.createSocket('udp4'))
  sender.bind(0, '127.0.0.1', () =>
    repeat(scene, () => {
      for (let index = 0; index < 16; index += 1) sender.send('traffic', port, '127.0.0.1')
    }),
  )
}

function prepare(scene: Scene, socket: nodeDgram.Socket): nodeDgram.Socket {
  return scene.mode === 'natural' ? socket.unref() : socket
}
