/**
 * Sends its last words in the way that its first argument names, from a socket that is connected to, or bound beside, the
 * port of the second one.
 */
import dgram from '../../../src/dgram/index.js'

const [, , way, port] = process.argv
const [kind, moment] = way.split(' ')
const socket = dgram.createSocket('udp4')

const say = () => {
  if (kind === 'connected') socket.send(way)
  else socket.send(way, Number(port), '127.0.0.1')
}

const moments: Readonly<Record<string, () => void>> = {
  'exit-handler': () => {
    process.on('exit', say)
    process.exit()
  },
  'natural-end': () => {
    process.on('exit', say)
    socket.unref()
  },
  uncaught: () => {
    say()
    throw new Error('crash')
  },
  monitor: () => {
    process.on('uncaughtExceptionMonitor', say)
    throw new Error('crash')
  },
  'uncaught-handler': () => {
    process.on('uncaughtException', () => {
      say()
      process.exit(1)
    })
    throw new Error('crash')
  },
  sigterm: () => {
    process.on('SIGTERM', () => {
      say()
      process.exit()
    })
    process.kill(process.pid, 'SIGTERM')
  },
  rejection: () => {
    process.on('unhandledRejection', () => {
      say()
      process.exit(1)
    })
    void Promise.reject(new Error('nobody catches this'))
  },
  sigkill: () => {
    say()
    process.kill(process.pid, 'SIGKILL')
  },
}

if (kind === 'connected') socket.connect(Number(port), '127.0.0.1', moments[moment])
else socket.bind(0, '127.0.0.1', moments[moment])
