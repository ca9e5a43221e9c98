import { BatchConn, endpoint, SendBatch } from '../../../src/index.js'

// send-gso ADDRESS SOURCE: one GSO send of 10,000 bytes in segments of 1,400, with ECN 2, hop limit 8 and that source.
const [address, source] = process.argv.slice(2)
const destination = endpoint({ address, port: 9 })
using conn = BatchConn.open({ family: destination.family })
const out = new SendBatch({ slotBytes: 10_000 })
const payload = Buffer.from(Array.from({ length: 10_000 }, (_, at) => Math.floor(at / 1400)))
out.append(payload, destination, { segmentBytes: 1400, ecn: 2, ttl: 8, source })
console.log(JSON.stringify({ sent: conn.send(out), gso: conn.gso.available }))
