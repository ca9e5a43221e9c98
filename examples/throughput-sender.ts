// Sends as fast as one thread can: fills a batch once and sends it repeatedly, by GSO where the device supports it.
//
//   npx ts-node examples/throughput-sender.ts <address> <port> [seconds] [bytes]
//
// Outside this repository, replace '../src/index.js' by 'batchconn'.
import { BatchConn, endpoint, SendBatch } from '../src/index.js'

const [address = '127.0.0.1', port = '9000', seconds = '2', bytes = '1400'] = process.argv.slice(2)

async function main(): Promise<void> {
  const peer = endpoint({ address, port: Number(port) })
  // A connected socket saves one route lookup per datagram. With recvErrors, `takeErrors()` returns the ICMP errors of a host
  // where no socket listens on the port.
  const conn = BatchConn.open({ family: peer.family, sendBufferBytes: 4 << 20, recvErrors: true }).connect(peer)
  const out = new SendBatch({ capacity: 256, slotBytes: Number(bytes), coalesce: true })
  for (let index = 0; index < out.capacity; index += 1) out.reserve(out.slotBytes).fill(index)

  let sent = 0
  let refused = 0
  let reason = ''
  const start = performance.now()
  const end = start + Number(seconds) * 1000
  do {
    out.rewind()
    const report = await conn.sendAll(out)
    sent += report.sent
    refused += report.failed.length
    reason = report.failed[0]?.error.message ?? reason
  } while (performance.now() < end)
  const elapsed = (performance.now() - start) / 1000

  const rate = Math.round(sent / elapsed)
  const gigabits = ((rate * out.slotBytes * 8) / 1e9).toFixed(2)
  console.log(
    `${sent} datagrams accepted, ${rate} per second, ${gigabits} Gbit/s of payload; GSO: ${conn.gso.available ? 'on' : 'off'}`,
  )
  if (refused > 0) console.log(`${refused} refused: ${reason}`)
  for (const code of new Set(conn.takeErrors().map((error) => error.code))) console.log(`the network answered ${code}`)
  conn.close()
}

main()
