import { getEventListeners, once } from 'node:events'
import { cases } from '../case.js'

export const signal = [
  ...cases('signal', {
    'aborted before: closed from the start': async (t) => {
      const socket = t.socket({ type: 'udp4', signal: AbortSignal.abort() })
      t.attempt('bind', () => socket.bind(0))
      t.attempt('send', () => socket.send('x', 9))
      t.markIterations()
      await t.seen("socket 'close'")
      await t.settle()
    },
    'aborted when bound': async (t) => {
      const controller = new AbortController()
      const socket = await t.bound({ type: 'udp4', signal: controller.signal })
      controller.abort(new Error('a reason'))
      t.attempt('address at once', () => socket.address())
      t.markIterations()
      await t.settle()
    },
    'aborted while it binds': async (t) => {
      const controller = new AbortController()
      const socket = t.socket({ type: 'udp4', signal: controller.signal })
      socket.bind(0, t.callback())
      controller.abort()
      await t.settle()
    },
    'aborted while it binds, with a send queued': async (t) => {
      const controller = new AbortController()
      const socket = t.socket({ type: 'udp4', signal: controller.signal })
      socket.send('x', 9, '127.0.0.1', t.callback())
      controller.abort()
      await t.settle()
    },
    'aborted before bind': async (t) => {
      const controller = new AbortController()
      const socket = t.socket({ type: 'udp4', signal: controller.signal })
      controller.abort()
      t.attempt('bind', () => socket.bind(0))
      await t.settle()
    },
    'aborted after close: no further effect': async (t) => {
      const controller = new AbortController()
      const socket = await t.bound({ type: 'udp4', signal: controller.signal })
      socket.close()
      controller.abort()
      await t.settle()
    },
    'has no listener of the socket after close': async (t) => {
      const { signal } = new AbortController()
      const socket = await t.bound({ type: 'udp4', signal })
      t.log('listeners', getEventListeners(signal, 'abort').length, socket.listenerCount('close'))
      socket.close()
      await once(socket, 'close')
      t.log('listeners', getEventListeners(signal, 'abort').length)
    },
    'aborted in a message listener': async (t) => {
      const controller = new AbortController()
      const socket = await t.bound({ type: 'udp4', signal: controller.signal })
      const sender = await t.bound('udp4', 'sender')
      socket.on('message', () => controller.abort())
      for (const text of ['one', 'two']) sender.send(text, socket.address().port, '127.0.0.1', t.callback())
      await t.seen('callback', 2)
      await t.settle()
    },
    'of AbortSignal.timeout': async (t) => {
      t.socket({ type: 'udp4', signal: AbortSignal.timeout(10) }).bind(0, '127.0.0.1')
      await t.seen("socket 'close'")
    },
    'any object whose aborted is true is accepted': async (t) => {
      t.attempt('createSocket', () => t.socket({ type: 'udp4', signal: { aborted: true } }))
      await t.seen("socket 'close'")
    },
    'for two sockets': async (t) => {
      const controller = new AbortController()
      await t.bound({ type: 'udp4', signal: controller.signal }, 'one')
      await t.bound({ type: 'udp4', signal: controller.signal }, 'two')
      controller.abort()
      await t.seen("two 'close'")
    },
  }),
]
