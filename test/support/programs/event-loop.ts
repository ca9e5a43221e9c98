import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type BatchConn, type Endpoint, SendBatch } from '../../../src/index.js'
import { EPOLLIN } from '../../../src/libc/constants.js'
import { libc } from '../../../src/libc/libc.js'
import { reactor } from '../../../src/loop/reactor.js'
import { Waiters } from '../../../src/loop/wait.js'
import { boundSocket, drain } from '../sockets.js'

// Situations that can end or hang a process: event-loop SCENARIO. Prints its steps, one per line.
function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function send(text: string, destination: Endpoint): void {
  using conn = boundSocket()
  const out = new SendBatch({ capacity: 1 })
  out.append(text, destination)
  conn.send(out)
}

/** Prints the result of a wait. */
function report(wait: Promise<void>): Promise<void> {
  return wait.then(
    () => print('settled'),
    (error) => print(`${typeof error.code === 'string' ? error.code : error.name}`),
  )
}

function worker(conn: BatchConn, scenario: string): Worker {
  const { address, port } = conn.localAddress
  return new Worker(require.resolve('./waiting-worker.js'), { workerData: { address, port, scenario } })
}

function epollDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('eventpoll')
    } catch {
      return false
    }
  }).length
}

async function workerRounds(rounds: number, scenario: 'end' | 'wait'): Promise<void> {
  using conn = boundSocket()
  await conn.writable()
  for (let round = 0; round < rounds; round += 1) {
    const each = worker(conn, scenario)
    const exited = once(each, 'exit')
    await conn.readable()
    print(drain(conn)[0].text)
    if (scenario === 'wait') await each.terminate()
    await exited
  }
}

const scenarios: Record<string, () => unknown> = {
  'throwing callback': () => {
    const [bad, good] = [boundSocket(), boundSocket()]
    process.on('uncaughtException', (error) => print(`uncaught: ${error.message}`))
    const watch = reactor().watch(bad.fd, EPOLLIN, () => {
      watch.close()
      throw new Error('from the callback')
    })
    const other = reactor().watch(good.fd, EPOLLIN, () => {
      other.close()
      print('the other callback runs')
    })
    send('x', bad.localAddress)
    send('x', good.localAddress)
  },
  'uncaught exception': () => {
    const conn = boundSocket()
    reactor().watch(conn.fd, EPOLLIN, () => {
      throw new Error('uncaught')
    })
    send('x', conn.localAddress)
  },
  'waiting keeps alive': () => {
    const conn = boundSocket()
    // The timer alone does not keep the process alive.
    setTimeout(() => send('x', conn.localAddress), 100).unref()
    return report(conn.readable())
  },
  'no wait': async () => {
    const conn = boundSocket()
    await conn.writable()
    print('done, with the socket open')
  },
  'aborted wait': async () => {
    const conn = boundSocket()
    await report(conn.readable({ signal: AbortSignal.abort() }))
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    await report(conn.readable({ signal: controller.signal }))
  },
  'closed while waiting': async () => {
    const conn = boundSocket()
    setTimeout(() => conn.close(), 20)
    await report(conn.readable())
  },
  'exit while waiting': () => {
    void report(boundSocket().readable())
    setTimeout(() => process.exit(7), 20)
  },
  'closed at exit': () => {
    const conn = boundSocket()
    void conn.readable().catch((error) => print(error.code))
    // This listener runs after the event loop's own.
    process.on('exit', () => {
      conn.close()
      print('closed')
    })
    setTimeout(() => process.exit(0), 20)
  },
  'waiting at exit': () => {
    const conn = boundSocket()
    const controller = new AbortController()
    void conn.readable({ signal: controller.signal }).catch(() => {})
    process.on('exit', () => {
      void conn.writable().catch(() => {})
      controller.abort()
      print('still here')
    })
    setTimeout(() => process.exit(0), 20)
  },
  'descriptor closed elsewhere': async () => {
    const [gone, other] = [boundSocket(), boundSocket()]
    const wait = report(gone.readable())
    await sleep(20)
    libc().close(gone.fd)
    // Close at once, before another descriptor gets the number.
    try {
      gone.close()
    } catch (error) {
      print(`${(error as Error).message}`)
    }
    await wait
    setTimeout(() => send('x', other.localAddress), 20)
    await other.readable()
    print('the other sockets work')
  },
  'descriptor number used again': async () => {
    const gone = boundSocket()
    const wait = report(gone.readable())
    await sleep(20)
    libc().close(gone.fd)
    const next = boundSocket()
    print(next.fd === gone.fd ? 'the same number' : 'another number')
    setTimeout(() => send('x', next.localAddress), 20)
    await next.readable()
    print(`the new socket received ${drain(next)[0].text}`)
    // The old socket gets no event: its wait would keep the process alive.
    void wait
    process.exit()
  },
  'replaced watch': async () => {
    const gone = boundSocket()
    const waiters = new Waiters(gone.fd)
    const wait = report(waiters.wait('readable'))
    await sleep(20)
    libc().close(gone.fd)
    const next = boundSocket()
    print(next.fd === gone.fd ? 'the same number' : 'another number')
    setTimeout(() => send('x', next.localAddress), 20)
    await next.readable()
    next.close()
    waiters.close(() => new TypeError('closed'))
    await wait
  },
  'unreferenced watch': () => {
    const conn = boundSocket()
    const watch = reactor().watch(conn.fd, EPOLLIN, () => print('called'))
    watch.unref()
    watch.unref()
  },
  'watch referenced again': () => {
    const conn = boundSocket()
    const watch = reactor().watch(conn.fd, EPOLLIN, () => {
      print('called')
      watch.close()
      watch.ref()
    })
    watch.unref()
    watch.ref()
    watch.ref()
    setTimeout(() => send('x', conn.localAddress), 50).unref()
  },
  'workers that end': async () => {
    await workerRounds(1, 'end')
    const before = epollDescriptors()
    await workerRounds(3, 'end')
    print(`descriptors left behind: ${epollDescriptors() - before}`)
  },
  'workers terminated while they wait': () => workerRounds(3, 'wait'),
}

void scenarios[process.argv[2]]()
