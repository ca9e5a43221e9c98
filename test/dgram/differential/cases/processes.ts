import { cases } from '../case.js'
import type { Dgram } from '../types.js'

// Each function runs in its own process and cannot use variables from outside.
export const processes = [
  ...cases('a process', {
    'with a socket that was never bound ends': (t) =>
      t.program((dgram: Dgram) => {
        dgram.createSocket('udp4').on('close', () => console.log('close'))
      }),
    'with an unreferenced socket ends': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0, () => {
          socket.unref()
          console.log('unreferenced')
        })
      }),
    'with a socket unreferenced before bind ends': (t) =>
      t.program((dgram: Dgram) => {
        dgram
          .createSocket('udp4')
          .unref()
          .bind(0, () => console.log('bound'))
        process.on('exit', () => console.log('exit'))
      }),
    'with a bound socket runs until the socket is closed': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0)
        setTimeout(() => {
          console.log('closing')
          socket.close(() => console.log('closed'))
        }, 100).unref()
        process.on('exit', () => console.log('exit'))
      }),
    'with a socket referenced again keeps running': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0, () => socket.unref().ref())
        setTimeout(() => socket.close(() => console.log('closed')), 100).unref()
      }),
    'that sends and closes in the callback ends': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.send('x', 9, '127.0.0.1', (error: unknown, bytes: unknown) => {
          console.log('sent', error, bytes)
          socket.close()
        })
      }),
    'that sends from an unreferenced socket calls back before it ends': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.unref()
        socket.send('x', 9, '127.0.0.1', (error: unknown, bytes: unknown) => console.log('sent', error, bytes))
      }),
    'whose message listener throws ends with that error': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', () => {
          throw new RangeError('from the listener')
        })
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
        process.on('exit', (code) => console.log('exit', code))
      }),
    'whose message listener throws may continue': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        process.on('uncaughtException', (error, origin) => console.log(origin, error.message))
        socket.on('message', (bytes) => {
          console.log('message', String(bytes))
          if (String(bytes) === 'last') return socket.close()
          throw new Error(`at ${bytes}`)
        })
        socket.bind(0, '127.0.0.1', () => {
          for (const text of ['one', 'two', 'last']) socket.send(text, socket.address().port, '127.0.0.1')
        })
      }),
    'whose send callback throws ends with that error': (t) =>
      t.program((dgram: Dgram) => {
        dgram.createSocket('udp4').send('x', 9, '127.0.0.1', () => {
          throw new TypeError('from the callback')
        })
      }),
    'with an error event without a listener ends with that error': (t) =>
      t.program((dgram: Dgram) => {
        dgram.createSocket('udp4').bind(0, '192.0.2.1')
      }),
    'may exit with sockets open': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
        socket.on('message', () => process.exit(3))
      }),
    'may exit in the tick of a send': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0, '127.0.0.1', () => {
          socket.send('x', 9, '127.0.0.1', () => console.log('sent'))
          process.exit(4)
        })
      }),
    'with a rejection in a message listener ends with it': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', async () => {
          throw new Error('rejected')
        })
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
      }),
    'with many sockets': (t) =>
      t.program((dgram: Dgram) => {
        let closed = 0
        for (let index = 0; index < 200; index += 1) {
          const socket = dgram.createSocket('udp4')
          socket.on('message', () => {
            socket.close(() => {
              closed += 1
              if (closed === 200) console.log('all')
            })
          })
          socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
        }
      }),
  }),
  ...cases('a worker', {
    'uses sockets of its own': (t) =>
      t.program((_dgram: Dgram, path: string) => {
        const { Worker } = require('node:worker_threads')
        const source = `
            const dgram = require(${JSON.stringify(path)})
            const socket = dgram.createSocket('udp4')
            socket.on('message', (bytes) => { console.log(String(bytes)); socket.close() })
            socket.bind(0, '127.0.0.1', () => socket.send('in a worker', socket.address().port, '127.0.0.1'))`
        new Worker(source, { eval: true }).on('exit', (code: number) => console.log('worker ended', code))
      }),
    'is terminated with sockets open': (t) =>
      t.program((_dgram: Dgram, path: string) => {
        const { Worker } = require('node:worker_threads')
        const source = `
            const dgram = require(${JSON.stringify(path)})
            const socket = dgram.createSocket('udp4')
            socket.bind(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage('bound'))`
        const worker = new Worker(source, { eval: true })
        worker.on('message', () => worker.terminate().then(() => console.log('terminated')))
      }),
  }),
  ...cases('several processes', {
    'a socket is passed on to a child': (t) =>
      t.program((dgram: Dgram) => {
        const child = `process.once('message', (_text, socket) => {
          socket.on('message', (bytes) => { console.log('child', String(bytes)); socket.close(); process.disconnect() })
          process.send('ready')
        })`
        const socket = dgram.createSocket('udp4')
        socket.bind(0, '127.0.0.1', () => {
          const { port } = socket.address()
          const { fork } = require('node:child_process')
          const forked = fork('none', { execArgv: ['-e', child] })
          forked.send('take it', socket, (error: unknown) => console.log('passed', error))
          forked.on('message', () => {
            socket.close()
            const sender = dgram.createSocket('udp4')
            sender.send('hello', port, '127.0.0.1', () => sender.close())
          })
        })
      }),
    'the workers of a cluster share a port': (t) =>
      t.program((_dgram: Dgram, path: string) => {
        const cluster = require('node:cluster')
        const worker = `
          const socket = require(${JSON.stringify(path)}).createSocket('udp4')
          socket.on('error', ({ message }) => process.send(message))
          socket.bind(0, '127.0.0.1', () => process.send(socket.address().port))`
        cluster.setupPrimary({ exec: 'none', execArgv: ['-e', worker] })
        const ports: unknown[] = []
        for (const worker of [cluster.fork(), cluster.fork()]) {
          worker.on('message', (port: unknown) => {
            ports.push(port)
            if (ports.length < 2) return
            console.log(ports[0] === ports[1] ? 'the same port' : 'different ports')
            cluster.disconnect()
          })
        }
      }),
  }),
]
