import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker, workerData } from 'node:worker_threads'
import dgram from '../../../src/dgram/index.js'
import { type Family, RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket } from '../sockets.js'

// faults-exchange [ipv4|ipv6] [worker]: sends numbered messages over loopback by each method of the library, in this
// thread or in a worker, and prints as JSON what was reported and what was received.

const [family = 'ipv4', where] = workerData ?? process.argv.slice(2)
const COUNT = 300

/** Numbers of the received messages. */
class Tally {
  readonly #seen = new Set<number>()
  length = 0

  add(bytes: Buffer): void {
    this.#seen.add(bytes.readUInt32BE())
    this.length += 1
  }

  get isExact(): boolean {
    return this.length === COUNT && this.#seen.size === COUNT
  }
}

function payload(number: number): Buffer {
  const bytes = Buffer.alloc(100)
  bytes.writeUInt32BE(number)
  return bytes
}

/** Waits until a condition holds, or five seconds have passed. */
async function settled(isDone: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !isDone(); round += 1) await sleep(10)
  // Waits for datagrams that must not arrive.
  await sleep(20)
}

async function byLibrary(coalesce: boolean, gro: boolean): Promise<object> {
  using receiver = boundSocket({ family: family as Family, gro })
  using sender = boundSocket({ family: family as Family })
  const tally = new Tally()
  receiver.onReadable(new RecvBatch({ capacity: 32, gro }), (batch) => {
    for (const { bytes } of batch) tally.add(bytes)
  })
  const out = new SendBatch({ capacity: COUNT, coalesce })
  for (let number = 0; number < COUNT; number += 1) out.append(payload(number), receiver.localAddress)
  const { sent, failed } = await sender.sendAll(out)
  await settled(() => tally.length >= COUNT)
  return { sent, failed: failed.length, received: tally.length, isExact: tally.isExact }
}

/** One message at a time, and one datagram per call. */
async function bySingles(): Promise<object> {
  using receiver = boundSocket({ family: family as Family })
  using sender = boundSocket({ family: family as Family })
  const tally = new Tally()
  const inbox = new RecvBatch({ capacity: 1 })
  const out = new SendBatch({ capacity: 1 })
  let sent = 0
  for (let number = 0; number < COUNT; number += 1) {
    out.clear()
    out.append(payload(number), receiver.localAddress)
    sent += (await sender.sendAll(out)).sent
    if (receiver.recvBlocking(inbox, { timeoutMs: 1000 }) > 0) tally.add(inbox.bytes(0))
  }
  return { sent, failed: 0, received: tally.length, isExact: tally.isExact }
}

async function byDropIn(): Promise<object> {
  const type = family === 'ipv6' ? 'udp6' : 'udp4'
  const address = family === 'ipv6' ? '::1' : '127.0.0.1'
  const receiver = dgram.createSocket({ type, recvBufferSize: 1 << 20 }).bind(0, address)
  const sender = dgram.createSocket(type).bind(0, address)
  await Promise.all([once(receiver, 'listening'), once(sender, 'listening')])
  const tally = new Tally()
  let sent = 0
  let failed = 0
  let errors = 0
  for (const socket of [receiver, sender]) {
    socket.on('error', () => {
      errors += 1
    })
  }
  receiver.on('message', (bytes) => tally.add(bytes))
  for (let number = 0; number < COUNT; number += 1) {
    sender.send(payload(number), receiver.address().port, address, (error) => {
      if (error === null) sent += 1
      else failed += 1
    })
  }
  await settled(() => tally.length >= COUNT && sent + failed === COUNT)
  receiver.close()
  sender.close()
  return { sent, failed, received: tally.length, isExact: tally.isExact, errors }
}

async function main(): Promise<void> {
  if (where === 'worker' && workerData === null) {
    const [code] = await once(new Worker(__filename, { workerData: [family] }), 'exit')
    process.exitCode = code
    return
  }
  let uncaught = 0
  process.on('uncaughtException', () => {
    uncaught += 1
  })
  const report = {
    single: await bySingles(),
    batched: await byLibrary(false, false),
    gso: await byLibrary(true, true),
    dropIn: await byDropIn(),
    uncaught,
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

main().catch((error) => {
  process.stderr.write(`${error.code ?? error.name}: ${error.message}\n`)
  process.exitCode = 1
})
