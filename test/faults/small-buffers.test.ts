import { readFileSync } from 'node:fs'
import { setImmediate as nextIteration } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BatchConn, type Endpoint, type Family, type OpenOptions, RecvBatch } from '../../src/index.js'
import { bound, until } from '../dgram/support.js'
import { boundSocket } from '../support/sockets.js'
import { arrivals, numbered, numberedBatch } from './support/numbered.js'

// A receive buffer for a few datagrams, and far more datagrams than that: each is received or counted as dropped.

const ROUNDS = 40
const PER_ROUND = 128
const TOTAL = ROUNDS * PER_ROUND

/** Sends all rounds without a pause, and calls `between` after each. */
async function flood(to: Endpoint, coalesce: boolean, between: () => unknown): Promise<void> {
  using sender = BatchConn.open({ family: to.family })
  for (let round = 0; round < ROUNDS; round += 1) {
    const batch = numberedBatch(PER_ROUND, 300, to, { first: round * PER_ROUND, coalesce })
    const { sent } = await sender.sendAll(batch)
    if (sent !== PER_ROUND) throw new Error(`round ${round}: ${sent} messages were sent, not ${PER_ROUND}`)
    await between()
  }
}

/** True if each number is larger than the one before: no duplicates, no reordering. */
function isIncreasing(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1])
}

interface Row {
  readonly family: Family
  readonly receiveBufferBytes: number
  readonly coalesce: boolean
}

const rows: Row[] = (['ipv4', 'ipv6'] as const).flatMap((family) =>
  // Linux doubles what is requested: the buffers have 4 KiB and 8 KiB.
  [2048, 4096].flatMap((receiveBufferBytes) =>
    [false, true].map((coalesce) => ({ family, receiveBufferBytes, coalesce })),
  ),
)

for (const { family, receiveBufferBytes, coalesce } of rows) {
  const title = `${family}, ${2 * receiveBufferBytes} bytes of buffer, ${coalesce ? 'GSO' : 'single'} sends`
  const options: OpenOptions = { family, receiveBufferBytes, countDrops: true }

  t.test(`${title}: sent = received + kernelDrops with recv`, async (t) => {
    using receiver = boundSocket(options)
    t.equal(receiver.options.receiveBufferBytes, 2 * receiveBufferBytes)
    const inbox = new RecvBatch({ capacity: 16 })
    const arrival = { numbers: [] as number[], coalesced: 0 }
    let round = 0
    await flood(receiver.localAddress, coalesce, () => {
      round += 1
      if (round % 3 === 0) arrivals(receiver, inbox, arrival)
    })
    arrivals(receiver, inbox, arrival)
    t.equal(arrival.numbers.length + Number(receiver.kernelDrops), TOTAL)
    t.ok(Number(receiver.kernelDrops) > TOTAL / 2, `${receiver.kernelDrops} of ${TOTAL} dropped`)
    t.ok(arrival.numbers.length > 0)
    t.ok(isIncreasing(arrival.numbers), 'in order, none twice')
    await checkUsable(t, receiver)
  })

  t.test(`${title}: sent = received + kernelDrops with onReadable`, async (t) => {
    using receiver = boundSocket(options)
    const numbers: number[] = []
    const reading = receiver.onReadable(new RecvBatch({ capacity: 16 }), (batch) => {
      for (const { bytes } of batch) numbers.push(bytes.readUInt32BE())
    })
    await flood(receiver.localAddress, coalesce, nextIteration)
    await until(() => numbers.length + Number(receiver.kernelDrops) >= TOTAL)
    reading.close()
    t.equal(numbers.length + Number(receiver.kernelDrops), TOTAL)
    t.ok(isIncreasing(numbers), 'in order, none twice')
    await checkUsable(t, receiver)
  })
}

/** Messages sent after the flood arrive, and are not counted as dropped. */
async function checkUsable(t: Test, receiver: BatchConn): Promise<void> {
  const before = receiver.kernelDrops
  using sender = BatchConn.open({ family: receiver.family })
  await sender.sendAll(numberedBatch(1, 300, receiver.localAddress, { first: 77 }))
  t.strictSame(arrivals(receiver, new RecvBatch()).numbers, [77], 'usable afterwards')
  t.equal(receiver.kernelDrops, before)
}

// The kernel drops a GRO buffer as one packet, so the counter counts datagrams only without GSO or without GRO.
for (const option of ['gso', 'gro'] as const) {
  t.test(`the drop-in without ${option}: sent = messages + drops counted in /proc/net/udp`, async (t) => {
    const receiver = await bound(t, { recvBufferSize: 2048, [option]: false })
    const sender = await bound(t, { [option]: false })
    const { port } = receiver.address()
    const numbers: number[] = []
    receiver.on('message', (bytes) => numbers.push(bytes.readUInt32BE()))
    let callbacks = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let index = 0; index < PER_ROUND; index += 1) {
        sender.send(numbered(round * PER_ROUND + index, 300), port, '127.0.0.1', (error) => {
          if (error === null) callbacks += 1
        })
      }
      await nextIteration()
    }
    await until(() => callbacks === TOTAL && numbers.length + dropsOf(port) >= TOTAL)
    t.equal(numbers.length + dropsOf(port), TOTAL)
    t.ok(dropsOf(port) > 0, `${dropsOf(port)} dropped`)
    t.ok(isIncreasing(numbers), 'in order, none twice')
    numbers.length = 0
    sender.send(numbered(77, 300), port, '127.0.0.1')
    await until(() => numbers.length > 0)
    t.strictSame(numbers, [77], 'usable afterwards')
  })
}

/** Last column of the socket's line in /proc/net/udp (proc(5)). */
function dropsOf(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/udp', 'utf8').split('\n')
  const line = lines.map((text) => text.trim().split(/\s+/)).find((columns) => columns[1]?.endsWith(local))
  return Number(line?.at(-1))
}
