import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { jsonLines } from '../../../bench/children/mailbox.js'
import { CONTROL_VERSION, type ControlClient, checkRequest, connectControl } from '../../../bench/control/protocol.js'
import { type AnnouncedRound, type ControlHandler, listenControl } from '../../../bench/control/server.js'
import type { DeliveryReport } from '../../../bench/traffic/round-record.js'
import { type Endpoint, endpoint } from '../../../src/index.js'
import { deadEndpoint } from '../../support/sockets.js'

const forever = new AbortController().signal
const round = { stream: 7, sizeBytes: 1400, mode: 'sendmmsg', seconds: 1, warmUp: false }
const report = { delivered: 3, lost: 2 } as DeliveryReport
const hello = { type: 'hello', version: CONTROL_VERSION }
const start = { type: 'start', ...round }
const lineOf = (...messages: object[]) => messages.map((message) => `${JSON.stringify(message)}\n`).join('')

/** A receiver that answers without receiving, and records the requests. */
class FakeHandler implements ControlHandler {
  readonly description = { mode: 'recvmmsg', batch: 64, gro: true, receiveBufferBytes: 4096 }
  readonly log: string[] = []
  /** When datagrams of the stream arrived. */
  readonly arrivalMs: Record<number, number> = {}
  start({ stream }: { stream: number }): AnnouncedRound {
    const { log, arrivalMs } = this
    if (log.includes(`start ${stream}`)) throw new Error('another sender has the same stream')
    log.push(`start ${stream}`)
    return {
      get lastArrivalMs() {
        return arrivalMs[stream] ?? 0
      },
      async stop(sent) {
        log.push(`stop ${stream} ${sent}`)
        return report
      },
      abandon: () => void log.push(`abandon ${stream}`),
    }
  }
}

async function serve(t: Test, handler: ControlHandler, token?: string): Promise<Endpoint> {
  for (let attempt = 1; ; attempt += 1) {
    const at = deadEndpoint()
    try {
      const server = await listenControl(at, handler, token)
      t.teardown(() => server.close())
      return at
    } catch (error) {
      // The port is free for UDP; another program may use it for TCP.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === 10) throw error
    }
  }
}

/** Sends raw text, and returns everything that comes back. */
async function converse(at: Endpoint, text: string): Promise<string> {
  const socket = connect(at.port, at.address).setEncoding('utf8')
  let answer = ''
  socket.on('data', (part) => {
    answer += part
  })
  socket.write(text)
  await once(socket, 'close')
  return answer
}

t.test('several senders at the same time, several rounds each', async (t) => {
  const handler = new FakeHandler()
  const at = await serve(t, handler)
  const clients = await Promise.all([1, 2, 3].map(() => connectControl(at, forever)))
  for (const [index, client] of clients.entries()) {
    t.strictSame(client.description, handler.description)
    await client.start({ ...round, stream: index + 1 })
  }
  for (const client of clients) t.strictSame(await client.stop(5), report)
  await clients[0].start({ ...round, stream: 10 })
  await clients[0].start({ ...round, stream: 11 })
  for (const client of clients) client.close()
  while (!handler.log.includes('abandon 11')) await sleep(2)
  t.strictSame(handler.log, [
    ...['start 1', 'start 2', 'start 3', 'stop 1 5', 'stop 2 5', 'stop 3 5'],
    ...['start 10', 'abandon 10', 'start 11', 'abandon 11'],
  ])
})

t.test('a round that the handler does not accept', async (t) => {
  const at = await serve(t, new FakeHandler())
  const [first, second] = await Promise.all([7, 7].map(() => connectControl(at, forever)))
  await first.start(round)
  await t.rejects(second.start(round), { name: 'Failure', message: /refuses: another sender has the same stream/ })
  t.strictSame(await first.stop(1), report, 'the first continues')
  first.close()
})

t.test('more senders than allowed: one is refused, and a silent one loses its place', async (t) => {
  const handler = new FakeHandler()
  const at = await serve(t, handler)
  const clients: ControlClient[] = []
  t.teardown(() => {
    for (const client of clients) client.close()
  })
  // The first is silent, and the others receive datagrams.
  for (let stream = 1; stream <= 64; stream += 1) {
    const client = await connectControl(at, forever)
    clients.push(client)
    await client.start({ ...round, stream, seconds: 86_400 })
    if (stream > 1) handler.arrivalMs[stream] = Number.POSITIVE_INFINITY
  }
  const refused = await connectControl(at, forever)
  await t.rejects(refused.start({ ...round, stream: 65 }), { message: /refuses: it is busy with 64 senders$/ })
  await sleep(1600)
  const next = await connectControl(at, forever)
  clients.push(next)
  await next.start({ ...round, stream: 66 })
  t.strictSame(handler.log.slice(-2), ['abandon 1', 'start 66'])
  await t.rejects(clients[0].stop(1), /refuses: another sender took over after silence|lost the receiver/)
  t.strictSame(await clients[1].stop(1), report)
})

t.test('silent connections are closed, and others are served meanwhile', async (t) => {
  const at = await serve(t, new FakeHandler())
  const silent = connect(at.port, at.address)
  const greeted = await connectControl(at, forever)
  const next = await connectControl(at, forever)
  await t.resolves(next.start(round))
  await once(silent.resume(), 'close')
  greeted.close()
  next.close()
})

t.test('more connections than allowed: the oldest is closed', async (t) => {
  const at = await serve(t, new FakeHandler())
  const sockets = Array.from({ length: 80 }, () => connect(at.port, at.address).on('error', () => {}))
  const client = await connectControl(at, forever)
  await t.resolves(client.start(round))
  client.close()
  for (const socket of sockets) socket.destroy()
})

t.test('a token', async (t) => {
  const at = await serve(t, new FakeHandler(), 's3cret')
  for (const token of [undefined, 'wrong', 's3cre', 's3cret2']) {
    await t.rejects(connectControl(at, forever, token), /refuses: it requires the right --token/)
  }
  const client = await connectControl(at, forever, 's3cret')
  await t.resolves(client.start(round))
  client.close()
  t.match(await converse(at, lineOf(start)), /the first request must be hello/, 'no way around it')
})

t.test('TCP listens on the requested address only', async (t) => {
  const at = await serve(t, new FakeHandler())
  const [error] = await once(connect(at.port, '127.0.0.2'), 'error').catch((error) => [error])
  t.match(error, { code: 'ECONNREFUSED' })
})

t.test('no receiver', async (t) => {
  await t.rejects(connectControl(deadEndpoint(), forever), {
    name: 'Failure',
    message: /^there is no receiver at 127\.0\.0\.1:\d+ \(connection refused\);.*--no-control/,
  })
})

/** A TCP service that is not a receiver. */
async function otherService(t: Test, onSocket: Parameters<typeof createServer>[1]): Promise<Endpoint> {
  const server = createServer(onSocket).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return endpoint({ address: '127.0.0.1', port: (server.address() as { port: number }).port })
}

t.test('another service', async (t) => {
  for (const text of ['220 mail.example.org ESMTP\r\n', 'null\n', '{"type":"other"}\n']) {
    const at = await otherService(t, (socket) => socket.on('error', () => {}).end(text))
    await t.rejects(connectControl(at, forever), { name: 'Failure', message: /is not a batchconn receiver/ })
  }
})

t.test('text of another host is made printable', async (t) => {
  const at = await otherService(t, (socket) => socket.end('{"type":"refused","reason":"\\u001b[31mred"}\n'))
  await t.rejects(connectControl(at, forever), { message: /refuses: \?\[31mred$/ })
})

t.test('a receiver that closes the connection', async (t) => {
  const at = await otherService(t, (socket) => socket.once('data', () => socket.destroy()))
  await t.rejects(connectControl(at, forever), { name: 'Failure', message: /^lost the receiver at / })
})

t.test('an interrupted sender stops waiting', async (t) => {
  const at = await otherService(t, (socket) => socket.unref())
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('interrupted')), 20)
  await t.rejects(connectControl(at, controller.signal), { message: 'interrupted' })
})

t.test('wrong requests are refused, and the next sender is served', async (t) => {
  const at = await serve(t, new FakeHandler())
  const wrong: [string, RegExp][] = [
    ['GET / HTTP/1.1\n', /refused/],
    ['{"type":"begin"}\n', /must be hello, start or stop/],
    ['null\n', /must be an object/],
    [lineOf({ ...hello, version: 99 }), /version 99/],
    [lineOf(hello, { ...start, stream: -1 }), /stream is out of range/],
    [lineOf(hello, { ...start, seconds: 1e6 }), /seconds is out of range/],
    [lineOf(hello, { ...start, mode: '\u001b[31m' }), /mode must be 1 to 40 printable/],
    [lineOf(hello, { type: 'stop', sent: 'many' }), /sent is out of range/],
    [lineOf(hello, { type: 'stop', sent: 1 }), /stop without start/],
    ['x'.repeat(100_000), /too long/],
    ['\n'.repeat(100_000), /too many lines|refused/],
  ]
  for (const [text, answer] of wrong) t.match(await converse(at, text), answer, text.slice(0, 60))
  const client = await connectControl(at, forever)
  await t.resolves(client.start({ ...round, stream: 8 }))
  client.close()
})

t.test('a peer that does not read the answers is cut off', async (t) => {
  const at = await serve(t, new FakeHandler())
  const socket = connect(at.port, at.address).on('error', () => {})
  socket.pause()
  let sent = 0
  for (; !socket.destroyed && socket.writable && sent < 100_000; sent += 1) {
    socket.write(lineOf(hello))
    if (sent % 2 === 0) await sleep(0)
    if (sent % 100 === 0 && socket.writableLength > 1e6) break
  }
  socket.destroy()
  const client = await connectControl(at, forever)
  await t.resolves(client.start(round))
  client.close()
})

t.test('a checked request contains its own keys only', async (t) => {
  t.strictSame(checkRequest({ ...start, more: 1 }), start)
  t.strictSame(checkRequest({ type: 'stop', sent: 0 }), { type: 'stop', sent: 0 })
  t.strictSame(checkRequest({ ...hello, token: 5 }), hello)
  for (const sent of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    t.throws(() => checkRequest({ type: 'stop', sent }), /sent is out of range/)
  }
  for (const sizeBytes of [0, 65_508, 1.5]) t.throws(() => checkRequest({ ...start, sizeBytes }), /out of range/)
})

t.test('lines: in pieces, several at once, none in time, none any more', async (t) => {
  const stream = new PassThrough()
  const lines = jsonLines(stream)
  await t.rejects(lines.next(5), { code: 'ETIMEDOUT' })
  stream.write('{"a"')
  setTimeout(() => stream.write(':1}\n2\n"t'), 5)
  t.strictSame(await lines.next(1000), { a: 1 })
  t.equal(await lines.next(1000), 2)
  stream.end('hree"\n')
  t.equal(await lines.next(1000), 'three')
  await t.rejects(lines.next(1000), /closed/)
})
