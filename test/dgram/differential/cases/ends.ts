import { cases } from '../case.js'
import { reader } from '../feed.js'
import type { Trial } from '../trial.js'
import type { AnyFunction, Dgram } from '../types.js'

// Each function runs in its own process and cannot use variables from outside. The peer is a socket of this process: it
// receives the datagrams after the other process has ended.
export const ends = [
  ...cases('last sends of a process', {
    'before process.exit, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          for (const text of ['one', 'two', 'three']) socket.send(text, () => console.log('never called'))
          process.exit(3)
        })
      }),
    'in exit handlers, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        process.on('exit', (code) => {
          console.log('exit', code)
          socket.send('in the first handler')
        })
        socket.connect(port, '127.0.0.1', () => {
          process.on('exit', () => {
            for (const text of ['in', 'the', 'second']) socket.send(text)
            socket.close()
          })
          socket.send('before exit')
          process.exit()
        })
      }),
    'before an uncaught exception, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        process.on('exit', (code) => {
          console.log('exit', code)
          socket.send('in the handler')
        })
        socket.connect(port, '127.0.0.1', () => {
          socket.send('before the exception')
          throw new TypeError('from the callback')
        })
      }),
    'before an unhandled rejection, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', async () => {
          socket.send('before the rejection')
          throw new TypeError('from the callback')
        })
      }),
    'in a handler of an uncaught exception that exits': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const [socket, reporter] = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
        process.on('uncaughtException', ({ message }) => {
          reporter.send(`report: ${message}`)
          process.exit(9)
        })
        process.on('exit', (code) => console.log('exit', code))
        socket.on('message', (bytes) => {
          throw new Error(`at ${bytes}`)
        })
        reporter.connect(port, '127.0.0.1', () => {
          socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
        })
      }),
    'after removeAllListeners of exit, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          process.removeAllListeners('exit')
          for (const text of ['one', 'two']) socket.send(text)
          process.exit(3)
        })
      }),
    'around an exit event that is emitted by hand': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        process.on('exit', () => socket.send('in the handler'))
        socket.connect(port, '127.0.0.1', () => {
          socket.send('before the event')
          process.emit('exit', 0)
          socket.send('after the event', () => {
            socket.send('a tick later', () => socket.close())
          })
        })
      }),
    'of an unreferenced socket': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          socket.unref()
          socket.send('unreferenced', (error: unknown) => console.log('sent', error))
        })
      }),
    'in beforeExit': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        let left = 3
        process.on('beforeExit', () => {
          console.log('before exit', left)
          left -= 1
          if (left >= 0) socket.send(`${left} left`)
        })
        process.on('exit', () => console.log('exit'))
        socket.connect(port, '127.0.0.1', () => socket.unref())
      }),
    'a hundred before a natural end': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          for (let index = 0; index < 100; index += 1) socket.send('x'.repeat(index % 7))
          socket.close()
        })
      }),
    'in an exit handler that throws': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          process.on('exit', () => {
            socket.send('before it throws')
            throw new RangeError('from the handler')
          })
          process.exit(0)
        })
      }),
    'in the handler of a signal': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        process.on('SIGTERM', () => {
          socket.send('on the signal')
          process.exit(0)
        })
        socket.connect(port, '127.0.0.1', () => process.kill(process.pid, 'SIGTERM'))
      }),
    'before process.reallyExit, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          socket.send('one')
          ;(process as never as { reallyExit(code: number): void }).reallyExit(4)
        })
      }),
    'before SIGKILL, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          socket.send('one')
          process.kill(process.pid, 'SIGKILL')
        })
      }),
    'before a child is run to its end, connected': (t) =>
      sends(t, (dgram: Dgram, _path: string, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          socket.send('before the child')
          require('node:child_process').spawnSync('true')
          socket.close()
        })
      }),
  }),
  ...cases('a process ends', {
    'with a domain that handles an error of a listener': (t) =>
      t.program((dgram: Dgram) => {
        const domain = require('node:domain').create()
        domain.on('error', (error: Error) => console.log('domain', error.message))
        domain.run(() => {
          const socket = dgram.createSocket('udp4')
          socket.on('message', (bytes) => {
            console.log('got', String(bytes))
            if (String(bytes) === 'last') socket.close()
            else throw new Error(`at ${bytes}`)
          })
          socket.bind(0, '127.0.0.1', () => {
            for (const text of ['one', 'two', 'last']) socket.send(text, socket.address().port, '127.0.0.1')
          })
        })
      }),
    'with an uncaughtExceptionCaptureCallback': (t) =>
      t.program((dgram: Dgram) => {
        process.setUncaughtExceptionCaptureCallback((error) => console.log('captured', error.message))
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          if (String(bytes) === 'last') socket.close()
          process.nextTick(() => console.log('tick of', String(bytes)))
          throw new Error(`at ${bytes}`)
        })
        socket.bind(0, '127.0.0.1', () => socket.send('last', socket.address().port, '127.0.0.1'))
      }),
    'with an uncaughtExceptionMonitor and no handler': (t) =>
      t.program((dgram: Dgram) => {
        process.on('uncaughtExceptionMonitor', (error, origin) => console.log('monitor', error.message, origin))
        const socket = dgram.createSocket('udp4')
        socket.on('message', () => {
          throw new Error('from the listener')
        })
        process.on('exit', (code) => console.log('exit', code))
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
      }),
    'with an error of a listener, before its ticks': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', () => {
          process.nextTick(() => console.log('tick'))
          Promise.resolve().then(() => console.log('promise'))
          throw new Error('from the listener')
        })
        process.on('exit', (code) => console.log('exit', code))
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
      }),
    'with a handler of uncaught exceptions that throws': (t) =>
      t.program((dgram: Dgram) => {
        process.on('uncaughtException', () => {
          throw new Error('from the handler')
        })
        const socket = dgram.createSocket('udp4')
        socket.on('message', () => {
          throw new Error('from the listener')
        })
        process.on('exit', (code) => console.log('exit', code))
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
      }),
    'and the exit code of a listener that sets it': (t) =>
      t.program((dgram: Dgram) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', () => {
          process.exitCode = 6
          socket.close()
        })
        socket.bind(0, '127.0.0.1', () => socket.send('x', socket.address().port, '127.0.0.1'))
      }),
  }),
]

/** Runs a program that sends to a port, and logs what was received there after the program has ended. */
async function sends(t: Trial, source: AnyFunction): Promise<void> {
  const peer = await reader(t, 'udp4', 'peer')
  const { port } = peer.address()
  // Logged after the end of the process, however early it was received.
  const got = t.lines.length
  await t.program(source, port)
  await t.settle(2)
  const [end] = t.lines.slice(got).filter((line) => line.startsWith('the process'))
  const rest = t.lines.slice(got).filter((line) => line !== end)
  t.lines.length = got
  t.lines.push(end, ...rest)
}
