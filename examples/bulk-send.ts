// Sends a file to bulk-receive.ts at a fixed rate: GSO sends of 45 datagrams, zero-copy where the device supports it, and
// repair of what is lost. Control messages are lines of JSON on a TCP connection.
//
//   npx ts-node examples/bulk-send.ts <address> <port> <file> [Mbit/s] [batchconn | node:dgram, for comparison]
//
// Outside this repository, replace '../src/index.js' by 'batchconn'.
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createReadStream, openSync, readvSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { BatchConn, SendBatch } from '../src/index.js'

const HEADER_BYTES = 8
const CHUNK_BYTES = 1392
const DATAGRAM_BYTES = HEADER_BYTES + CHUNK_BYTES
// As many as fit the longest payload of IPv4.
const MAX_SEGMENTS = 45
const SENDS_PER_BATCH = 4

/** Sends on batchconn: `reserve` returns memory for datagrams, and `flush` resolves when it is free again. */
function batched(address: string, port: number, bytesPerSecond: number) {
  // Where the queueing discipline is fq, the kernel spreads each batch evenly.
  const options = { zeroCopy: true, maxPacingRate: bytesPerSecond, sendBufferBytes: 4 << 20 }
  const conn = BatchConn.open(options).connect({ address, port })
  const batch = new SendBatch({ capacity: SENDS_PER_BATCH, slotBytes: MAX_SEGMENTS * DATAGRAM_BYTES })
  const reserve = (byteLength: number) => batch.reserve(byteLength, undefined, { segmentBytes: DATAGRAM_BYTES })
  return { reserve, flush: () => conn.sendAll(batch).then(() => batch.clear()) }
}

function plain(address: string, port: number) {
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 }).unref()
  const reserved: Buffer[] = []
  const reserve = (byteLength: number) => reserved[reserved.push(Buffer.alloc(byteLength)) - 1]
  const send = (datagram: Buffer) => new Promise<unknown>((resolve) => socket.send(datagram, port, address, resolve))
  const sendAll = (memory: Buffer) => Promise.all(split(memory).map((datagram) => send(datagram)))
  return { reserve, flush: () => Promise.all(reserved.splice(0).map(sendAll)) }
}

async function main(): Promise<void> {
  const [address, port, path, megabits = '1000', over = 'batchconn'] = process.argv.slice(2)
  const [bytes, file, hash] = [statSync(path).size, openSync(path, 'r'), createHash('sha256')]
  for await (const part of createReadStream(path)) hash.update(part)
  const control = connect(Number(port), address)
  const answers = createInterface({ input: control })[Symbol.asyncIterator]()
  const ask = async (request: object) => {
    control.write(`${JSON.stringify(request)}\n`)
    const { done, value } = await answers.next()
    if (done) throw new Error('the receiver closed the connection')
    return JSON.parse(value)
  }
  const { id, udpPort } = await ask({ bytes, chunkBytes: CHUNK_BYTES, sha256: hash.digest('hex') })
  const bytesPerMs = Number(megabits) * 125
  const transport = (over === 'batchconn' ? batched : plain)(address, udpPort, bytesPerMs * 1000)

  const start = performance.now()
  let [sent, verified] = [0, false]
  let missing: number[] = Array.from(Array(Math.ceil(bytes / CHUNK_BYTES)).keys())
  do {
    for (const [index, { first, count }] of groups(missing).entries()) {
      const position = first * CHUNK_BYTES
      const datagrams = split(transport.reserve(Math.min(count * CHUNK_BYTES, bytes - position) + count * HEADER_BYTES))
      for (const [place, bytes] of datagrams.entries()) bytes.writeUInt32BE(first + place, bytes.writeUInt32BE(id))
      const bodies = datagrams.map((datagram) => datagram.subarray(HEADER_BYTES))
      readvSync(file, bodies, position)
      sent += count
      if (index % SENDS_PER_BATCH < SENDS_PER_BATCH - 1) continue
      await transport.flush()
      const aheadMs = (sent * DATAGRAM_BYTES) / bytesPerMs - (performance.now() - start)
      if (aheadMs >= 1) await setTimeout(aheadMs)
    }
    await transport.flush()
    ;({ missing, verified } = await ask({ sent }))
  } while (missing.length > 0)
  const seconds = ((performance.now() - start) / 1000).toFixed(3)
  console.log(`${bytes} bytes in ${seconds} s, ${sent} datagrams, ${verified ? 'verified' : 'damaged'}`)
  control.end()
}

/** Groups successive chunks, as many as fit one GSO send. */
function groups(chunks: readonly number[]): { first: number; count: number }[] {
  const found: { first: number; count: number }[] = []
  for (const chunk of chunks) {
    const last = found.at(-1)
    if (last !== undefined && last.first + last.count === chunk && last.count < MAX_SEGMENTS) last.count += 1
    else found.push({ first: chunk, count: 1 })
  }
  return found
}

function split(memory: Buffer): Buffer[] {
  const count = Math.ceil(memory.length / DATAGRAM_BYTES)
  return Array.from(Array(count), (_, index) => memory.subarray(index * DATAGRAM_BYTES, (index + 1) * DATAGRAM_BYTES))
}

main()
