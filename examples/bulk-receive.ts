// Receives a file from bulk-send.ts, asks again for what was lost, and verifies the checksum.
//
//   npx ts-node examples/bulk-receive.ts <file> [port] [address]
//
// Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'; with 'node:dgram' in its place it is the
// same receiver, for comparison.
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, openSync, writevSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { createSocket } from '../src/dgram/index.js'

const HEADER_BYTES = 8
/** Where no datagram arrives for this long, what is missing was lost. */
const QUIET_MS = 20
/** Longest list of missing chunks in a message. */
const MAX_LISTED = 50_000
/** Limit of writev(2). */
const MAX_PIECES = 1024

/** What the sender writes first. */
interface Announcement {
  readonly bytes: number
  readonly chunkBytes: number
  readonly sha256: string
}

/** Returns a function that writes the chunks of datagrams to a file, successive ones in one call. */
function writer(path: string, { bytes, chunkBytes }: Announcement, isHere: Uint8Array) {
  const file = openSync(path, 'w')
  return (datagrams: readonly Buffer[]) => {
    let [run, first]: [Buffer[], number] = [[], 0]
    const flush = () => run.length > 0 && writevSync(file, run, first * chunkBytes)
    for (const datagram of datagrams) {
      const index = datagram.readUInt32BE(4)
      const byteLength = Math.min(chunkBytes, bytes - index * chunkBytes)
      // Repeated chunks, and what is no chunk, are ignored.
      if (isHere[index] !== 0 || datagram.length !== HEADER_BYTES + byteLength) continue
      isHere[index] = 1
      if (index !== first + run.length || run.length === MAX_PIECES) {
        flush()
        run = []
        first = index
      }
      run.push(datagram.subarray(HEADER_BYTES))
    }
    flush()
  }
}

async function main(): Promise<void> {
  const [path, port = '9100', address = '127.0.0.1'] = process.argv.slice(2)
  const server = createServer().listen(Number(port), address)
  await once(server, 'listening')
  console.log(`waiting on ${address}:${Object(server.address()).port}`)
  const [control] = await once(server, 'connection')
  server.close()
  const requests = createInterface({ input: control })[Symbol.asyncIterator]()
  const file: Announcement = JSON.parse((await requests.next()).value)
  const isHere = new Uint8Array(Math.ceil(file.bytes / file.chunkBytes))
  const [write, id] = [writer(path, file, isHere), randomInt(2 ** 32)]

  const arrived: Buffer[] = []
  let lastMs = 0
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }, (datagram) => {
    if (datagram.length < HEADER_BYTES || datagram.readUInt32BE(0) !== id) return
    lastMs = performance.now()
    // What arrives in one loop iteration is written together.
    if (arrived.push(datagram) === 1) setImmediate(() => write(arrived.splice(0)))
  })
  socket.bind(0, address)
  await once(socket, 'listening')
  control.write(`${JSON.stringify({ id, udpPort: socket.address().port })}\n`)

  // Each further line of the sender means that it has sent everything, or everything that was missing.
  for await (const _ of requests) {
    do await setTimeout(QUIET_MS)
    while (performance.now() < lastMs + QUIET_MS)
    const missing = Array.from(isHere.keys()).filter((index) => isHere[index] === 0)
    const verified = missing.length === 0 && (await sha256Of(path)) === file.sha256
    control.write(`${JSON.stringify({ missing: missing.slice(0, MAX_LISTED), verified })}\n`)
    if (missing.length === 0) console.log(`${file.bytes} bytes, ${verified ? 'verified' : 'damaged'}`)
  }
  socket.close()
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part)
  return hash.digest('hex')
}

main()
