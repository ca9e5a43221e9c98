import { BatchConn, endpoint, SendBatch } from '../../../src/index.js'

// Sends with zero-copy over a slow device, and ends while the data is in its queue: by itself, or by process.exit().

const [address = '', port = '', way = ''] = process.argv.slice(2)
const conn = BatchConn.open({ zeroCopy: true })
const batch = new SendBatch({ capacity: 1, slotBytes: 64_000 })
batch.append(Buffer.alloc(42_000, 'e'), endpoint({ address, port: Number(port) }), { segmentBytes: 1400 })
conn.send(batch)
process.stdout.write(JSON.stringify({ inFlight: batch.inFlight }))
if (way === 'close') conn.close()
if (way === 'exit') process.exit(0)
