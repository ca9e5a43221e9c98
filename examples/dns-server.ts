// A small authoritative DNS server on the drop-in for node:dgram.
//
//   npx ts-node examples/dns-server.ts [port] [address]
//   dig @127.0.0.1 -p 5353 www.example.test
//
// Requires `npm install dns-packet`. Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'; with
// 'node:dgram' in its place it is the same server, for comparison.
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Question } from 'dns-packet'
import { createSocket, type Socket } from '../src/dgram/index.js'

/** The records of a zone by name, in lower case. The first name is that of the zone, and its first record the SOA. */
export type Zone = ReadonlyMap<string, readonly Answer[]>

const NAMES = { mname: 'ns.example.test', rname: 'admin.example.test' }
const TIMES = { serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: 60 }

export const EXAMPLE = zoneOf([
  { name: 'example.test', type: 'SOA', ttl: 300, data: { ...NAMES, ...TIMES } },
  { name: 'example.test', type: 'NS', ttl: 300, data: 'ns.example.test' },
  { name: 'example.test', type: 'MX', ttl: 300, data: { preference: 10, exchange: 'mail.example.test' } },
  { name: 'example.test', type: 'MX', ttl: 300, data: { preference: 20, exchange: 'mail2.example.test' } },
  { name: 'example.test', type: 'TXT', ttl: 300, data: 'batched UDP' },
  { name: 'www.example.test', type: 'A', ttl: 300, data: '192.0.2.1' },
  { name: 'www.example.test', type: 'A', ttl: 300, data: '192.0.2.2' },
  { name: 'www.example.test', type: 'AAAA', ttl: 300, data: '2001:db8::1' },
  { name: 'alias.example.test', type: 'CNAME', ttl: 300, data: 'www.example.test' },
  { name: 'ns.example.test', type: 'A', ttl: 300, data: '192.0.2.53' },
])

const CODES = { ok: 0, formatError: 1, noSuchName: 3, notImplemented: 4, refused: 5 }

/** Answers questions about a zone. The caller binds the socket. */
export function serve(zone: Zone): Socket {
  // The receive buffer holds the queries that arrive during a garbage collection.
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  socket.on('message', (query, { port, address }) => {
    const response = respond(zone, query)
    // Answers to the queries of one loop iteration leave together. Port 0 cannot be answered.
    if (response !== undefined && port !== 0) socket.send(response, port, address)
  })
  return socket
}

/** Returns the answer to a query; undefined if the message is not a query. */
export function respond(zone: Zone, query: Buffer): Buffer | undefined {
  if (query.length < 12 || query[2] & 0x80) return undefined
  if (query[2] & 0x78) return response(query, CODES.notImplemented)
  const question = readQuestion(query)
  if (question === undefined) return response(query, CODES.formatError)

  const [[apex, [soa]]] = zone
  const name = question.name.toLowerCase()
  if (name !== apex && !name.endsWith(`.${apex}`)) return response(query, CODES.refused, question)
  if (!zone.has(name)) return response(query, CODES.noSuchName, question, [], [soa])
  const answers = answersOf(zone, name, question.type)
  return response(query, CODES.ok, question, answers, answers.length === 0 ? [soa] : [])
}

function readQuestion(query: Buffer): Question | undefined {
  try {
    const { questions = [] } = decode(query)
    return questions.length === 1 ? questions[0] : undefined
  } catch {
    return undefined
  }
}

function answersOf(zone: Zone, name: string, type: string): readonly Answer[] {
  return (zone.get(name) ?? []).flatMap((record) => {
    if (record.type === type || type === 'ANY') return [record]
    return record.type === 'CNAME' ? [record, ...answersOf(zone, record.data, type)] : []
  })
}

function response(
  query: Buffer,
  code: number,
  question?: Question,
  answers: readonly Answer[] = [],
  authorities: Answer[] = [],
): Buffer {
  // Opcode and "recursion desired" are copied from the query (RFC 1035, 4.1.1).
  const flags = (query.readUInt16BE(2) & 0x7900) | AUTHORITATIVE_ANSWER | code
  const questions = question === undefined ? [] : [question]
  return encode({ type: 'response', id: query.readUInt16BE(0), flags, questions, answers: [...answers], authorities })
}

function zoneOf(records: readonly Answer[]): Zone {
  const zone = new Map<string, Answer[]>()
  for (const record of records) zone.set(record.name, [...(zone.get(record.name) ?? []), record])
  return zone
}

if (require.main === module) {
  const [port = '5353', address = '127.0.0.1'] = process.argv.slice(2)
  const socket = serve(EXAMPLE).bind(Number(port), address, () =>
    console.log(`answering on ${address}:${socket.address().port}`),
  )
}
