/**
 * Sends a message while the process ends, in the way that the first argument names, from a socket that is connected to
 * the port of the second argument, or bound and not connected.
 */
import dgram from '../../../src/dgram/index.js'

const [, , way, port] = process.argv
const [kind, moment] = way.split(' ')
const socket = dgram.createSocket('udp4')

const sendWay = () => {
  if (kind === 'connected') socket.send(way)
  else socket.send(way, Number(port), '127.0.0.1')
}

const moments: Readonly<Record<string, () => void>> = {
  'exit-handler': () => {
    process.on('exit', sendWay)
    process.exit()
  },
  'natural-end': () => {
    process.on('exit', sendWay)
    socket.unref()
  },
  uncaught: () => {
    sendWay()
    throw new Error('crash')
  },
  monitor: () => {
    process.on('uncaughtExceptionMonitor', sendWay)
    throw new Error('crash')
  },
  'uncaught-handler': () => {
    process.on('uncaughtException', () => {
      sendWay()
      process.exit(1)
    })
    throw new Error('crash')
  },
  sigterm: () => {
    process.on('SIGTERM', () => {
      sendWay()
      process.exit()
    })
    process.kill(process.pid, 'SIGTERM')
  },
  rejection: () => {
    process.on('unhandledRejection', () => {
      sendWay()
      process.exit(1)
    })
    void Promise.reject(new Error('unhandled'))
  },
  sigkill: () => {
    sendWay()
    process.kill(process.pid, 'SIGKILL')
  },
}

if (kind === 'connected') socket.connect(Number(port), '127.0.0.1', moments[moment])
else socket.bind(0, '127.0.0.1', moments[moment])
