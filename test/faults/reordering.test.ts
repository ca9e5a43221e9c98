import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { BatchConn, endpoint, type OpenOptions, RecvBatch, SendBatch } from '../../src/index.js'
import { bound, until } from '../dgram/support.js'
import { compiledProgram } from '../support/compiled.js'
import { boundSocket } from '../support/sockets.js'
import { numbered, range } from './support/numbered.js'

// A relay between sender and receiver duplicates and reorders datagrams. UDP allows both, so the receiver must deliver
// exactly what the relay sent, in the relay's order.

const ROUNDS = 10
/** Number of messages per round: with the duplicates, they fit Linux's default receive buffer. */
const PER_ROUND = 40

/** Payload of a number. Lengths differ, so that a slot with another datagram is detected. */
function payloadOf(number: number): Buffer {
  return numbered(number, 4 + ((number * 37) % 1400))
}

/**
 * Starts the relay. @returns a function that sends numbers through it, and returns them as the relay has forwarded them
 */
async function relayTo(t: Test, port: number): Promise<(numbers: number[]) => Promise<number[]>> {
  const { NODE_OPTIONS: _, ...env } = process.env
  const relay: ChildProcess = fork(compiledProgram('faults-relay'), [`${port}`, '7'], { env, execArgv: [] })
  t.teardown(() => relay.kill())
  const [relayPort] = await once(relay, 'message')
  const destination = endpoint({ address: '127.0.0.1', port: Number(relayPort) })
  const sender = BatchConn.open()
  t.teardown(() => sender.close())
  return async (numbers) => {
    const batch = new SendBatch({ capacity: numbers.length })
    for (const number of numbers) batch.append(payloadOf(number), destination)
    await sender.sendAll(batch)
    relay.send(numbers.length)
    const [passedOn] = await once(relay, 'message')
    return passedOn as number[]
  }
}

/** Sends all rounds. Received datagrams are added to `arrived`, by `collect` or by an event. */
async function check(t: Test, port: number, arrived: Buffer[], collect = () => {}): Promise<void> {
  const pass = await relayTo(t, port)
  let duplicates = 0
  let overtaken = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const expected = await pass(range(PER_ROUND, round * PER_ROUND))
    await until(() => {
      collect()
      return arrived.length >= expected.length
    })
    const received = arrived.splice(0)
    t.strictSame(
      received.map((bytes) => bytes.readUInt32BE()),
      expected,
      `round ${round}`,
    )
    t.ok(
      received.every((bytes, index) => bytes.equals(payloadOf(expected[index]))),
      'with the right bytes',
    )
    duplicates += expected.length - new Set(expected).size
    overtaken += expected.filter((number, index) => index > 0 && number < expected[index - 1]).length
  }
  t.ok(duplicates > 0 && overtaken > 0, `${duplicates} duplicates, ${overtaken} overtaken`)
}

const rows: { title: string; options: OpenOptions; capacity: number }[] = [
  { title: 'recv, 16 datagrams per call', options: {}, capacity: 16 },
  { title: 'recv, 1 datagram per call', options: {}, capacity: 1 },
  { title: 'recv with GRO', options: { gro: true }, capacity: 16 },
]

for (const { title, options, capacity } of rows) {
  t.test(`${title}: delivers exactly what the relay sent, in its order`, async (t) => {
    using receiver = boundSocket(options)
    const inbox = new RecvBatch({ capacity, gro: options.gro === true })
    const arrived: Buffer[] = []
    await check(t, receiver.localAddress.port, arrived, () => {
      while (receiver.recv(inbox) > 0) for (const datagram of inbox) arrived.push(datagram.copy().bytes)
    })
  })
}

t.test('onReadable delivers exactly what the relay sent, in its order', async (t) => {
  using receiver = boundSocket()
  const arrived: Buffer[] = []
  receiver.onReadable(new RecvBatch({ capacity: 16 }), (batch) => {
    for (const datagram of batch) arrived.push(datagram.copy().bytes)
  })
  await check(t, receiver.localAddress.port, arrived)
})

t.test('the drop-in delivers exactly what the relay sent, in its order', async (t) => {
  const receiver = await bound(t)
  const arrived: Buffer[] = []
  receiver.on('message', (bytes) => arrived.push(bytes))
  await check(t, receiver.address().port, arrived)
})
