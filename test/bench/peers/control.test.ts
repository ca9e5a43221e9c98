import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { ControlClient } from '../../../bench/peers/control-client.js'
import { CONTROL_VERSION, checkRequest, type DeliveryReport } from '../../../bench/peers/control-protocol.js'
import { type ControlHandler, ControlServer } from '../../../bench/peers/control-server.js'
import { JsonLines } from '../../../bench/peers/json-lines.js'
import { type Endpoint, endpoint } from '../../../src/index.js'
import { deadEndpoint } from '../../support/sockets.js'

const forever = new AbortController().signal
const round = { stream: 7, sizeBytes: 1400, mode: 'sendmmsg', seconds: 1 }
const description = { mode: 'recvmmsg', batch: 64, gro: true, receiveBufferBytes: 4096 }
const report = { delivered: 3, lost: 2 } as DeliveryReport

/** A receiver's answers, and what it was told. */
class FakeHandler implements ControlHandler {
  readonly log: string[] = []
  async start({ stream }: { stream: number }) {
    this.log.push(`start ${stream}`)
    return description
  }
  async stop(sent: number) {
    this.log.push(`stop ${sent}`)
    return report
  }
  gone() {
    this.log.push('gone')
  }
}

async function serve(t: Test, handler: ControlHandler): Promise<Endpoint> {
  const at = deadEndpoint()
  const server = await ControlServer.listen(at, handler)
  t.teardown(() => server.close())
  return at
}

/** Sends raw text, and returns all that comes back. */
async function converse(at: Endpoint, text: string): Promise<string> {
  const socket = connect(at.port, at.address).setEncoding('utf8')
  let answer = ''
  socket.on('data', (part) => {
    answer += part
  })
  socket.write(text)
  await once(socket, 'end')
  return answer
}

t.test('several senders, one after the other, several rounds each', async (t) => {
  const handler = new FakeHandler()
  const at = await serve(t, handler)
  for (const stream of [7, 8]) {
    const client = await ControlClient.connect(at, forever)
    t.equal(client.description, undefined)
    await client.start({ ...round, stream })
    t.strictSame(client.description, description)
    t.strictSame(await client.stop(5), report)
    await client.start({ ...round, stream: stream + 10 })
    client.close()
  }
  const last = await ControlClient.connect(at, forever)
  await last.start(round)
  last.close()
  const one = (stream: number) => [`start ${stream}`, 'stop 5', `start ${stream + 10}`, 'gone']
  t.strictSame(handler.log, [...one(7), ...one(8), 'start 7'])
})

t.test('a second sender at the same time is told so', async (t) => {
  const at = await serve(t, new FakeHandler())
  const first = await ControlClient.connect(at, forever)
  await first.start(round)
  const second = await ControlClient.connect(at, forever)
  await t.rejects(second.start(round), { name: 'Failure', message: /refuses: it is busy with another sender/ })
  t.strictSame(await first.stop(1), report, 'and the first goes on')
  first.close()
  second.close()
})

t.test('nobody there', async (t) => {
  await t.rejects(ControlClient.connect(deadEndpoint(), forever), {
    name: 'Failure',
    message: /^the receiver is not there: 127\.0\.0\.1:\d+ \(connection refused\);.*--no-control/,
  })
})

t.test('somebody else there', async (t) => {
  const server = createServer((socket) => socket.end('220 mail.example.org ESMTP\r\n')).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = await ControlClient.connect(endpoint({ address: '127.0.0.1', port }), forever)
  await t.rejects(client.start(round), { name: 'Failure', message: /is no receiver of this benchmark/ })
})

t.test('a receiver that goes away', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = await ControlClient.connect(endpoint({ address: '127.0.0.1', port }), forever)
  await t.rejects(client.start(round), { name: 'Failure', message: /^lost the receiver at / })
})

t.test('an interrupted sender stops waiting', async (t) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const controller = new AbortController()
  const client = await ControlClient.connect(endpoint({ address: '127.0.0.1', port }), controller.signal)
  setTimeout(() => controller.abort(new Error('interrupted')), 20)
  await t.rejects(client.start(round), { message: 'interrupted' })
  client.close()
  server.close()
})

t.test('requests that make no sense are refused, and the next sender is served', async (t) => {
  const at = await serve(t, new FakeHandler())
  const start = { type: 'start', version: CONTROL_VERSION, ...round }
  const wrong: [string, RegExp][] = [
    ['GET / HTTP/1.1\n', /refused/],
    ['{"type":"begin"}\n', /must be start or stop/],
    ['null\n', /must be an object/],
    [`${JSON.stringify({ ...start, version: 99 })}\n`, /version 99/],
    [`${JSON.stringify({ ...start, stream: -1 })}\n`, /stream is out of range/],
    ['{"type":"stop","sent":"many"}\n', /sent is out of range/],
    ['x'.repeat(100_000), /too long/],
  ]
  for (const [text, answer] of wrong) t.match(await converse(at, text), answer, text.slice(0, 60))
  const client = await ControlClient.connect(at, forever)
  await t.resolves(client.start(round))
  client.close()
})

t.test('a request is what it says', async (t) => {
  const start = { type: 'start', version: CONTROL_VERSION, ...round }
  t.strictSame(checkRequest({ ...start, more: 1 }), start, 'and nothing besides')
  t.strictSame(checkRequest({ type: 'stop', sent: 0 }), { type: 'stop', sent: 0 })
  for (const sent of [-1, Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
    t.throws(() => checkRequest({ type: 'stop', sent }), /sent is out of range/)
  }
})

t.test('lines: in pieces, several at once, none in time, none any more', async (t) => {
  const stream = new PassThrough()
  const lines = new JsonLines(stream)
  await t.rejects(lines.next(5), { code: 'ETIMEDOUT' })
  stream.write('{"a"')
  setTimeout(() => stream.write(':1}\n2\n"t'), 5)
  t.strictSame(await lines.next(1000), { a: 1 })
  t.equal(await lines.next(1000), 2)
  stream.end('hree"\n')
  t.equal(await lines.next(1000), 'three')
  await t.rejects(lines.next(1000), /closed/)
})
