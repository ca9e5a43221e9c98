import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { RecvBatch } from '../../src/index.js'
import { boundSocket } from '../support/sockets.js'

// The examples, run as a reader runs them, seen from outside: by node:dgram, and by what they print.

const ROOT = join(__dirname, '..', '..')

interface Example {
  readonly child: ChildProcess
  /** The next line it prints. */
  line(): Promise<string>
  /** How it ended, and what it had to complain about. */
  end(): Promise<{ code: number | null; stderr: string }>
}

function start(t: Test, name: string, args: readonly (string | number)[]): Example {
  const program = [process.execPath, '--require', 'ts-node/register', join('examples', name), ...args.map(String)]
  // tap puts loaders of its own into NODE_OPTIONS, which ts-node does not get along with.
  const child = spawn('env', ['--unset=NODE_OPTIONS', ...program], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    line: async () => {
      const { done, value } = await lines.next()
      if (done) throw new Error(`${name} printed no more: ${stderr}`)
      return value
    },
    end: async () => {
      const [code] = await closed
      return { code, stderr }
    },
  }
}

function portIn(line: string): number {
  return Number(/:(\d+)$/.exec(line)?.[1])
}

async function client(t: Test, address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  t.teardown(() => socket.close())
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** The next `count` datagrams, all of which come from `port`. */
function collect(socket: Socket, count: number, port: number): Promise<Buffer[]> {
  const received: Buffer[] = []
  return new Promise((resolve, reject) => {
    const onMessage = (bytes: Buffer, info: RemoteInfo) => {
      if (info.port !== port) reject(new Error(`a datagram came from port ${info.port}`))
      received.push(bytes)
      if (received.length < count) return
      socket.off('message', onMessage)
      resolve(received)
    }
    socket.on('message', onMessage)
  })
}

function isSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  return some.length === others.length && some.every((bytes, index) => bytes.equals(others[index]))
}

for (const address of ['127.0.0.1', '::1']) {
  t.test(`the echo server answers node:dgram clients on ${address}`, async (t) => {
    const example = start(t, 'echo-server.ts', [0, address])
    const line = await example.line()
    t.match(line, /^listening on /)
    const port = portIn(line)
    // Runs of one size, which are answered by GSO sends; single datagrams, an empty one, and one of the maximum length.
    const sizes = [...Array(20).fill(700), 1, 0, 1400, 1400, 300, 65_507, 2048, 2049]
    for (const first of [0, 100]) {
      const socket = await client(t, address)
      const payloads = sizes.map((size, place) => Buffer.alloc(size, first + place))
      // One by one, so that no receive buffer is too small; then the first ones together.
      for (const group of [...payloads.map((payload) => [payload]), payloads.slice(0, 20)]) {
        const answers = collect(socket, group.length, port)
        for (const payload of group) socket.send(payload, port, address)
        t.ok(isSame(await answers, group), `what came back is what was sent: ${group.map(({ length }) => length)}`)
      }
    }
    example.child.kill('SIGTERM')
    t.equal((await example.end()).stderr, '')
  })
}

t.test('reuse-port: every worker receives, and every datagram is counted once', async (t) => {
  const workers = 3
  const flows = 240
  const example = start(t, 'reuse-port.ts', [workers, 0])
  const line = await example.line()
  t.match(line, /^3 workers listen on 127\.0\.0\.1:/)
  const port = portIn(line)
  // A source port each: the kernel chooses the worker by addresses and ports.
  const senders = await Promise.all(Array.from({ length: flows }, () => client(t, '127.0.0.1')))
  for (const sender of senders) sender.send('x', port, '127.0.0.1')

  let counts: number[] = []
  let total = 0
  while (total < flows) {
    const printed = await example.line()
    counts = printed.match(/\d+/g)?.map(Number) ?? []
    total = counts.pop() ?? 0
  }
  example.child.kill('SIGINT')
  t.equal(await example.line(), `${counts.join(' + ')} = ${flows}`, 'the last word is the same')
  t.equal(counts.length, workers)
  t.notOk(counts.includes(0), `each received some: ${counts.join(', ')}`)
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    flows,
  )
  t.strictSame(await example.end(), { code: 0, stderr: '' })
})

for (const address of ['127.0.0.1', '::1']) {
  t.test(`the throughput sender sends what it says, over ${address}`, async (t) => {
    using receiver = boundSocket({ family: address.includes(':') ? 'ipv6' : 'ipv4', countDrops: true })
    const example = start(t, 'throughput-sender.ts', [address, receiver.localAddress.port, 0, 200])
    const accepted = Number(
      /^(\d+) datagrams accepted, \d+ per second, .* GSO: (?:on|off)$/.exec(await example.line())?.[1],
    )
    t.strictSame(await example.end(), { code: 0, stderr: '' })
    // In no time at all, one batch: 256 of 200 bytes fit even a default receive buffer.
    t.equal(accepted, 256)
    const inbox = new RecvBatch({ capacity: 300 })
    t.equal(receiver.recv(inbox), accepted)
    const expected = Array.from({ length: accepted }, (_, index) => Buffer.alloc(200, index))
    t.ok(
      isSame(
        Array.from(inbox, ({ bytes }) => bytes),
        expected,
      ),
    )
    t.equal(receiver.kernelDrops, 0)
  })
}

t.test('the throughput sender reports what the network answered', async (t) => {
  const gone = boundSocket()
  const { port } = gone.localAddress
  gone.close()
  const example = start(t, 'throughput-sender.ts', ['127.0.0.1', port, 0])
  t.match(await example.line(), /^256 datagrams accepted/)
  t.equal(await example.line(), 'the network answered ECONNREFUSED')
  t.strictSame(await example.end(), { code: 0, stderr: '' })
})

t.test('the Prometheus example exports what the echo server has counted', async (t) => {
  const example = start(t, 'prometheus.ts', [0, 0])
  const [, port, page] = /^echo server on 127\.0\.0\.1:(\d+); metrics on (.*)$/.exec(await example.line()) ?? []
  const socket = await client(t, '127.0.0.1')
  const answers = collect(socket, 10, Number(port))
  for (let index = 0; index < 10; index += 1) socket.send('four', Number(port), '127.0.0.1')
  await answers
  for (let scrape = 0; scrape < 2; scrape += 1) {
    const response = await fetch(page)
    t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
    const lines = (await response.text()).split('\n')
    const values = new Map(lines.flatMap((line) => (/^\w/.test(line) ? [line.split(' ') as [string, string]] : [])))
    const value = (name: string) => values.get(`batchconn_${name}{socket="echo"}`)
    for (const direction of ['sent', 'received']) {
      t.equal(value(`${direction}_datagrams_total`), '10', `${direction} datagrams, scrape ${scrape}`)
      t.equal(value(`${direction}_bytes_total`), '40', `${direction} bytes`)
    }
    t.equal(value('queue_messages'), '0')
    t.ok(Number(value('send_calls_total')) > 0)
    t.ok(lines.includes('# TYPE batchconn_kernel_drops_total counter'))
    t.ok(lines.includes('# TYPE batchconn_queue_messages gauge'))
  }
})
