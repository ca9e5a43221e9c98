import t from 'tap'
import { RecvBatch } from '../../src/index.js'
import { boundSocket } from '../support/sockets.js'
import { client, collect, isSame, portIn, start } from './example.js'

// The examples, run as a reader runs them, seen from outside: by node:dgram, and by what they print.

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

for (const steer of ['hash', 'random']) {
  t.test(
    `reuse-port, by ${steer}: every worker receives, and every datagram is answered and counted once`,
    async (t) => {
      const workers = 3
      const flows = 240
      const example = start(t, 'reuse-port.ts', [workers, 0, '127.0.0.1', steer])
      const line = await example.line()
      t.match(line, /^3 workers listen on 127\.0\.0\.1:/)
      const port = portIn(line)
      // A source port each: the kernel chooses the worker by addresses and ports.
      const senders = await Promise.all(Array.from({ length: flows }, () => client(t, '127.0.0.1')))
      const answers = senders.map((sender) => collect(sender, 1, port))
      for (const [index, sender] of senders.entries()) sender.send(`${index}`, port, '127.0.0.1')
      t.strictSame(
        (await Promise.all(answers)).map(([bytes]) => `${bytes}`),
        senders.map((_, index) => `${index}`),
      )

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
    },
  )
}

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
