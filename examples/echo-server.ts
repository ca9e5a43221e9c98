// Echo server: sends each datagram back to its source.
//
//   npx ts-node examples/echo-server.ts [port] [address]
//
// Outside this repository, replace '../src/index.js' by 'batchconn'.
import { BatchConn, endpoint, RecvBatch, SendBatch } from '../src/index.js'

const [port = '9000', address = '127.0.0.1'] = process.argv.slice(2)

// Holds the longest possible datagram. Memory that no datagram reaches is not touched.
const SLOT_BYTES = 65_535

async function main(): Promise<void> {
  const local = endpoint({ address, port: Number(port) })
  const conn = BatchConn.open({ family: local.family }).bind(local)
  const inbox = new RecvBatch({ capacity: 64, slotBytes: SLOT_BYTES })
  // One slot per datagram of the inbox. Messages of one size to one peer leave as GSO sends.
  const replies = new SendBatch({ capacity: inbox.capacity, slotBytes: SLOT_BYTES, coalesce: true })
  console.log(`listening on ${conn.localAddress}`)

  for await (const batch of conn.batches(inbox)) {
    replies.clear()
    for (const { bytes, source } of batch) {
      // Any sender can write 0 as the source port of a packet. It cannot be answered.
      if (source !== undefined && source.port !== 0) replies.append(bytes, source)
    }
    const { failed } = await conn.sendAll(replies)
    for (const { index, error } of failed) console.error(`to ${replies.destination(index)}: ${error.message}`)
  }
}

main()
