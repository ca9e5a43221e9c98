import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { CONTROL_VERSION, connectControl } from '../../../bench/control/protocol.js'
import { endpoint } from '../../../src/index.js'
import { deadEndpoint } from '../../support/sockets.js'
import { benchJson, startReceiver } from '../support.js'

// BATCHCONN_FUZZ=100000 for a long run.
const STREAMS = Number(process.env.BATCHCONN_FUZZ ?? 300)

t.setTimeout(STREAMS > 10_000 ? 3_600_000 : 120_000)

const FLOOD_BYTES = 200e6
const MAX_GROWTH_BYTES = 100e6

/** A receiver, and ways to look at it. */
async function receiver() {
  const { port } = deadEndpoint()
  const child = await startReceiver(`--listen 127.0.0.1:${port}`)
  const { pid } = child.child
  const residentBytes = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  const open = () => connect(port, '127.0.0.1').on('error', () => {})
  /** Sends a round that the receiver must accept. @throws Error if it refuses, or closes the connection */
  const acceptedRound = async () => {
    const client = await connectControl(endpoint({ address: '127.0.0.1', port }), AbortSignal.timeout(10_000))
    await client.start({ stream: randomInt(1, 2 ** 32), sizeBytes: 64, mode: 'test', seconds: 1, warmUp: true })
    client.close()
  }
  return { child, port, open, residentBytes, acceptedRound }
}

/** Writes until everything is accepted, or the other end closes the connection. */
async function flood(socket: Socket, chunk: Buffer, totalBytes: number): Promise<void> {
  for (let sent = 0; sent < totalBytes && socket.writable; sent += chunk.length) {
    if (socket.write(chunk)) continue
    // An error means that the other end closed the connection.
    await Promise.race([once(socket, 'drain'), once(socket, 'close'), sleep(2000)]).catch(() => {})
  }
  socket.destroy()
}

const FLOODS: Readonly<Record<string, Buffer>> = {
  newlines: Buffer.alloc(65_536, '\n'),
  'one line without end': Buffer.alloc(65_536, 'x'),
  'requests that are valid': Buffer.from(
    `${JSON.stringify({ type: 'hello', version: CONTROL_VERSION })}\n`.repeat(1000),
  ),
}

t.test('floods: the memory is bounded, and the next sender is served', async (t) => {
  const { child, open, residentBytes, acceptedRound } = await receiver()
  await acceptedRound()
  const atRest = residentBytes()
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes())
  }, 20)
  for (const [name, chunk] of Object.entries(FLOODS)) {
    const flooding = Promise.all([0, 1, 2, 3].map(() => flood(open(), chunk, FLOOD_BYTES)))
    await t.resolves(acceptedRound(), `${name}: a sender is served meanwhile`)
    await flooding
  }
  clearInterval(timer)
  t.ok(peak - atRest < MAX_GROWTH_BYTES, `${Math.round((peak - atRest) / 1e6)} MB more than at rest`)
  t.equal((await child.end()).status, 0)
})

t.test('silent and half-open connections do not block a sender', async (t) => {
  const { child, open, acceptedRound } = await receiver()
  const silent = Array.from({ length: 10 }, open)
  const slow = open()
  const typing = setInterval(() => slow.write('{'), 100)
  await t.resolves(acceptedRound())
  const hello = `${JSON.stringify({ type: 'hello', version: CONTROL_VERSION })}\n`
  const start = JSON.stringify({ type: 'start', stream: 5, sizeBytes: 64, mode: 'x', seconds: 86_400, warmUp: false })
  const holder = open()
  holder.write(hello)
  await once(holder, 'data')
  holder.write(`${start}\n`)
  await once(holder, 'data')
  await t.resolves(acceptedRound(), 'during the round of a silent sender as well')
  clearInterval(typing)
  for (const socket of [...silent, slow, holder]) socket.destroy()
  t.equal((await child.end()).status, 0)
})

/** A hostile byte stream: random bytes, or valid requests with mutations. */
function hostile(): Buffer {
  const values = [
    '',
    -1,
    Number.POSITIVE_INFINITY,
    null,
    [],
    {},
    '\u001b[2J',
    'x'.repeat(5000),
    2 ** 53,
    Number.NaN,
    '__proto__',
    true,
    0.5,
  ]
  const value = () => values[randomInt(values.length)]
  const requests = [
    { type: 'hello', version: CONTROL_VERSION },
    { type: 'start', stream: randomInt(1, 100), sizeBytes: 64, mode: 'm', seconds: 1, warmUp: false },
    { type: 'stop', sent: randomInt(10) },
  ]
  const lines = Array.from({ length: randomInt(1, 5) }, () => {
    const request: Record<string, unknown> = { ...requests[randomInt(3)] }
    if (randomInt(2) === 0) request[Object.keys(request)[randomInt(Object.keys(request).length)]] = value()
    return `${JSON.stringify(request)}\n`
  })
  const text = Buffer.from(lines.join(''))
  if (randomInt(3) === 0) return randomBytes(randomInt(1, 3000))
  for (let flips = randomInt(4); flips > 0; flips -= 1) text[randomInt(text.length)] = randomInt(256)
  return text
}

t.test(`${STREAMS} hostile byte streams, while a sender measures: its counts are exact`, async (t) => {
  const { child, port, open, residentBytes, acceptedRound } = await receiver()
  await acceptedRound()
  const atRest = residentBytes()
  let isOver = false
  const attack = async () => {
    for (let index = 0; index < STREAMS / 4; index += 1) {
      const socket = open()
      socket.resume()
      socket.write(hostile())
      await Promise.race([once(socket, 'close'), sleep(randomInt(30))]).catch(() => {})
      if (randomInt(2) === 0) socket.destroy()
      else socket.end()
    }
  }
  const attacks = Promise.all([attack(), attack(), attack(), attack()]).finally(() => {
    isOver = true
  })
  const line = `--to 127.0.0.1:${port} --duration 0.1 --rounds 3 --omit 0 --rate 20k --quiet --mode sendmmsg`
  do {
    for (const { packets, delivered } of (await benchJson('send', line)).results) {
      t.match(delivered, { delivered: packets, lost: 0, duplicated: 0, reordered: 0 })
    }
  } while (!isOver)
  await attacks
  const growth = residentBytes() - atRest
  t.ok(growth < MAX_GROWTH_BYTES, `${Math.round(growth / 1e6)} MB more than at rest`)
  const { results } = await benchJson('send', line)
  for (const { packets, delivered } of results) t.match(delivered, { delivered: packets, lost: 0 })
  const { status, stdout } = await child.end()
  t.equal(status, 0)
  t.notOk(stdout.includes('\u001b'), 'nothing unprintable in its output')
})
