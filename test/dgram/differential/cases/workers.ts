import { once } from 'node:events'
import { cases, isSince } from '../case.js'
import { feed, reader, SIX } from '../feed.js'
import type { Thread, Trial } from '../trial.js'
import type { Address, Dgram } from '../types.js'

type Say = (...values: unknown[]) => void

// Each function runs in its own worker thread and cannot use variables from outside. No worker ends in a message
// listener while further datagrams are queued: node:dgram aborts the process then (OnRecv in src/udp_wrap.cc).
export const workers = [
  ...cases('a worker with sockets', {
    'receives from its parent': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          say('got', String(bytes))
          if (String(bytes) === 'six') socket.close()
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread)
      await thread.ended
    },
    'receives and replies': async (t) => {
      const socket = await reader(t)
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes, { port }) => {
          socket.send(`re ${bytes}`, port, '127.0.0.1', () => {
            if (String(bytes) === 'six') socket.close()
          })
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      for (const text of SIX) socket.send(text, await portOfWorker(t, thread), '127.0.0.1')
      await thread.ended
      await t.seen('socket got', SIX.length)
      // The end of the worker and the last reply can come in either order.
      t.lines.sort()
    },
    'ends when its last socket is closed': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const sockets = [dgram.createSocket('udp4'), dgram.createSocket('udp4')]
        for (const socket of sockets) {
          socket.bind(0, '127.0.0.1', () => socket.close(() => say('closed')))
        }
        process.on('exit', (code) => say('exit', code))
      })
      await thread.ended
    },
    'ends with an unreferenced socket': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0, '127.0.0.1', () => {
          socket.unref()
          say('unreferenced')
        })
      })
      await thread.ended
    },
    'ends with an unreferenced socket that was sent from': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const thread = t.worker((dgram: Dgram, say: Say, port: number) => {
        const socket = dgram.createSocket('udp4').unref()
        socket.send('last words', port, '127.0.0.1', (error: unknown) => say('sent', error))
      }, peer.address().port)
      await thread.ended
      await t.seen('peer got')
      t.lines.sort()
    },
    'ends with a socket that was never bound': async (t) => {
      const thread = t.worker((dgram: Dgram) => dgram.createSocket('udp4').on('message', () => {}))
      await thread.ended
    },
  }),
  ...cases('process.exit in a worker', {
    'in a message listener': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          say('got', String(bytes))
          process.exit(7)
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await thread.ended
    },
    'in a tick of a message listener': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          say('got', String(bytes))
          process.nextTick(() => process.exit(7))
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await thread.ended
    },
    'in a promise of a message listener': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          say('got', String(bytes))
          Promise.resolve().then(() => process.exit(7))
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await thread.ended
    },
    'in the callbacks of bind, send and close': async (t) => {
      for (const where of ['bind', 'send', 'close']) {
        const thread = t.worker((dgram: Dgram, say: Say, where: string) => {
          process.on('exit', (code) => say('exit', code))
          const socket = dgram.createSocket('udp4')
          const exit = (at: string) => {
            say('reached', at)
            if (at === where) process.exit(5)
          }
          socket.bind(0, '127.0.0.1', () => {
            exit('bind')
            socket.send('x', 9, '127.0.0.1', () => {
              exit('send')
              socket.close(() => exit('close'))
            })
          })
        }, where)
        await thread.ended
      }
    },
    'after connected sends in the same tick': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const thread = t.worker((dgram: Dgram, _say: Say, port: number) => {
        const socket = dgram.createSocket('udp4')
        socket.connect(port, '127.0.0.1', () => {
          for (const text of ['one', 'two', 'three']) socket.send(text)
          process.exit(0)
        })
      }, peer.address().port)
      await thread.ended
      await t.settle(2)
      t.lines.sort()
    },
    'with sends in an exit handler': async (t) => {
      const peer = await reader(t, 'udp4', 'peer')
      const thread = t.worker((dgram: Dgram, _say: Say, port: number) => {
        const socket = dgram.createSocket('udp4')
        process.on('exit', () => socket.send('in the handler'))
        socket.connect(port, '127.0.0.1', () => process.exit(0))
      }, peer.address().port)
      await thread.ended
      await t.settle(2)
      t.lines.sort()
    },
  }),
  ...cases('a worker is terminated', {
    'after it has read': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => say('got', String(bytes)))
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread)
      await t.seen("worker 'got' 'six'")
      thread.worker.terminate()
      await thread.ended
    },
    'while it sends': async (t) => {
      const peer = t.plain('udp4', 'peer').bind(0, '127.0.0.1')
      await once(peer, 'listening')
      const thread = t.worker((dgram: Dgram, _say: Say, port: number) => {
        const socket = dgram.createSocket('udp4')
        const more = () => socket.send('x', port, '127.0.0.1', more)
        more()
      }, peer.address().port)
      await once(peer, 'message')
      thread.worker.terminate()
      await thread.ended
    },
    'in a listener that never returns': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', () => {
          say('looping')
          for (;;);
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await t.seen("worker 'looping'")
      thread.worker.terminate()
      await thread.ended
    },
    'before it is bound': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        dgram.createSocket('udp4')
        say('made')
        setInterval(() => {}, 1000)
      })
      await t.seen("worker 'made'")
      thread.worker.terminate()
      await thread.ended
    },
  }),
  ...cases('an error in a worker', {
    'of a message listener': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          process.nextTick(() => say('tick of', String(bytes)))
          throw new RangeError(`at ${bytes}`)
        })
        process.on('exit', (code) => say('exit', code))
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await thread.ended
      // An error and the worker's log messages use different message ports.
      t.lines.sort()
    },
    'of a tick of a message listener': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          process.nextTick(() => {
            throw new RangeError(`at ${bytes}`)
          })
        })
        process.on('exit', (code) => say('exit', code))
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await thread.ended
      // An error and the worker's log messages use different message ports.
      t.lines.sort()
    },
    'of an async listener': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', async (bytes) => {
          throw new RangeError(`at ${bytes}`)
        })
        process.on('exit', (code) => say('exit', code))
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread, ['one'])
      await thread.ended
      // An error and the worker's log messages use different message ports.
      t.lines.sort()
    },
    'that is handled there': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        process.on('uncaughtException', ({ message }, origin) => say(origin, message))
        socket.on('message', (bytes) => {
          if (String(bytes) === 'six') socket.close()
          throw new Error(`at ${bytes}`)
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread)
      await thread.ended
    },
    'event without a listener': async (t) => {
      const thread = t.worker((dgram: Dgram) => dgram.createSocket('udp4').bind(0, '192.0.2.1'))
      await thread.ended
    },
    'of a send callback': async (t) => {
      const thread = t.worker((dgram: Dgram) =>
        dgram.createSocket('udp4').send('x', 9, '127.0.0.1', () => {
          throw new TypeError('from the callback')
        }),
      )
      await thread.ended
    },
  }),
  ...cases('a worker and its parent', {
    // From Node 22.12 on; before that node:dgram ignores the option.
    'share a port with reusePort': async (t) => {
      if (!isSince('22.12.0')) {
        t.log('this version does not have it')
        return
      }
      const socket = await reader(t, { type: 'udp4', reusePort: true })
      const { port } = socket.address()
      const thread = t.worker((dgram: Dgram, say: Say, port: number) => {
        const socket = dgram.createSocket({ type: 'udp4', reusePort: true } as never)
        socket.on('message', (bytes) => {
          if (String(bytes) === 'end') socket.close()
          else say('got', String(bytes))
        })
        socket.bind(port, '127.0.0.1', () => say('bound'))
      }, port)
      await t.seen("worker 'bound'")
      const texts = Array.from({ length: 40 }, (_, index) => `${index}`)
      // Each sender has its own port, by which the kernel chooses the receiver.
      for (const text of texts) await feed({ port, address: '127.0.0.1' }, [text])
      const got = () => t.lines.flatMap((line) => /got '?(\d+)'?$/.exec(line.replaceAll("'", ''))?.[1] ?? [])
      await t.until(() => got().length >= texts.length)
      // Without the parent's socket all datagrams go to the worker.
      socket.close()
      await feed({ port, address: '127.0.0.1' }, ['end'])
      await thread.ended
      const all = got()
        .map(Number)
        .sort((a, b) => a - b)
      t.lines.length = 0
      t.log('got', all.join())
    },
    'receive a message as it is posted': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          say('got', Buffer.from(bytes).toString(), bytes.length, bytes.constructor.name)
          say('bytes', bytes)
          if (String(bytes) === 'six') socket.close()
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread)
      await thread.ended
    },
    'transfer the memory of a message': async (t) => {
      const thread = t.worker((dgram: Dgram, say: Say) => {
        const { parentPort } = require('node:worker_threads')
        const socket = dgram.createSocket('udp4')
        socket.on('message', (bytes) => {
          const copy = Uint8Array.from(bytes)
          parentPort.postMessage({ said: ['copy', copy] }, [copy.buffer])
          if (String(bytes) === 'six') socket.close()
        })
        socket.bind(0, '127.0.0.1', () => say(socket.address()))
      })
      await feedWorker(t, thread)
      await thread.ended
    },
    'send to each other at the same time': async (t) => {
      const socket = await reader(t)
      const thread = t.worker((dgram: Dgram, say: Say, port: number) => {
        const socket = dgram.createSocket('udp4')
        let left = 20
        socket.on('message', () => {
          left -= 1
          if (left === 0) socket.close(() => say('done'))
        })
        socket.bind(0, '127.0.0.1', () => {
          say(socket.address())
          for (let index = 0; index < 20; index += 1) socket.send(`${index}`, port, '127.0.0.1')
        })
      }, socket.address().port)
      const port = await portOfWorker(t, thread)
      for (let index = 0; index < 20; index += 1) socket.send(`${index}`, port, '127.0.0.1')
      await thread.ended
      await t.seen('socket got', 20)
      t.lines.sort()
    },
    'several workers at once': async (t) => {
      const socket = await reader(t)
      const all = ['a', 'b', 'c'].map((name) => {
        const thread = t.worker(
          (dgram: Dgram, _say: Say, name: string, port: number) => {
            const socket = dgram.createSocket('udp4')
            socket.send(name, port, '127.0.0.1', () => socket.close())
          },
          name,
          socket.address().port,
        )
        return thread.ended
      })
      await Promise.all(all)
      await t.seen('socket got', 3)
      t.lines.sort()
    },
  }),
]

/** Returns the port of the address that a worker has logged. */
async function portOfWorker(t: Trial, { said }: Thread): Promise<number> {
  const find = () => said.map(([value]) => (value as Partial<Address> | undefined)?.port).find((port) => port)
  await t.until(() => find() !== undefined)
  return find() ?? 0
}

/** Sends texts to a worker that has logged its address. */
async function feedWorker(t: Trial, thread: Thread, texts = SIX): Promise<void> {
  await feed({ port: await portOfWorker(t, thread), address: '127.0.0.1' }, texts)
}
