import { parseArgs } from 'node:util'
import { createSocket, type Socket } from '../src/dgram/index.js'

/**
 * A small authoritative DNS server on the drop-in for node:dgram.
 *
 *     npx ts-node examples/dns-server.ts --port 5353
 *     dig @127.0.0.1 -p 5353 www.example.test
 *
 * Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'.
 */

/** Records per name: addresses, mail servers, texts. */
export type Zone = Readonly<Record<string, Readonly<Partial<Record<RecordType, readonly string[]>>>>>

type RecordType = keyof typeof TYPES

const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28 } as const

export const EXAMPLE: Zone = {
  'example.test': {
    SOA: ['ns.example.test admin.example.test 1 3600 600 86400 60'],
    NS: ['ns.example.test'],
    MX: ['10 mail.example.test', '20 mail2.example.test'],
    TXT: ['batched UDP'],
  },
  'www.example.test': { A: ['192.0.2.1', '192.0.2.2'], AAAA: ['2001:db8::1'] },
  'alias.example.test': { CNAME: ['www.example.test'] },
  'ns.example.test': { A: ['192.0.2.53'] },
}

const CODES = { ok: 0, formatError: 1, noSuchName: 3, notImplemented: 4, refused: 5 }

const TTL_SECONDS = 300

/** Answers questions about a zone. The caller binds the socket. */
export function serve(zone: Zone): Socket {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const response = respond(zone, query)
    // Answers to the queries of one loop iteration leave together.
    if (response !== undefined) socket.send(response, port, address)
  })
  return socket
}

/** Returns the answer to a query; undefined if the message is not a query. */
export function respond(zone: Zone, query: Buffer): Buffer | undefined {
  if (query.length < 12 || query[2] & 0x80) return undefined
  if (query[2] & 0x78) return response(query, CODES.notImplemented)
  const question = query.readUInt16BE(4) === 1 ? readQuestion(query) : undefined
  if (question === undefined) return response(query, CODES.formatError)

  const { name, type, end } = question
  const [apex] = Object.keys(zone)
  const asked = query.subarray(12, end)
  if (name !== apex && !name.endsWith(`.${apex}`)) return response(query, CODES.refused, asked)
  if (zone[name] === undefined) return response(query, CODES.noSuchName, asked, [], [soa(zone, apex)])
  const answers = answersOf(zone, name, type)
  return response(query, CODES.ok, asked, answers, answers.length === 0 ? [soa(zone, apex)] : [])
}

function answersOf(zone: Zone, name: string, type: number): Buffer[] {
  const kinds = Object.keys(TYPES) as RecordType[]
  const own = kinds.filter((kind) => TYPES[kind] === type || kind === 'CNAME' || type === 255)
  return own.flatMap((kind) =>
    (zone[name]?.[kind] ?? []).flatMap((data) => {
      const followed = kind === 'CNAME' && type !== TYPES.CNAME ? answersOf(zone, data, type) : []
      return [record(name, kind, data), ...followed]
    }),
  )
}

function soa(zone: Zone, apex: string): Buffer {
  return record(apex, 'SOA', zone[apex].SOA?.[0] ?? '')
}

function response(
  query: Buffer,
  code: number,
  question: Uint8Array = Buffer.alloc(0),
  answers: Buffer[] = [],
  authority: Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // An authoritative response. Opcode and "recursion desired" are copied from the query (RFC 1035, 4.1.1).
  header[2] = 0x84 | (query[2] & 0x79)
  header[3] = code
  for (const [index, count] of [question.length > 0 ? 1 : 0, answers.length, authority.length].entries()) {
    header.writeUInt16BE(count, 4 + index * 2)
  }
  return Buffer.concat([header, question, ...answers, ...authority])
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } | undefined {
  const labels: string[] = []
  let at = 12
  for (;;) {
    const length = query[at]
    // A question has no earlier name that a compression pointer could refer to.
    if (length === undefined || length > 63) return undefined
    at += 1
    if (length === 0) break
    labels.push(query.toString('latin1', at, at + length))
    at += length
  }
  if (at + 4 > query.length) return undefined
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at), end: at + 4 }
}

function record(name: string, kind: RecordType, text: string): Buffer {
  const data = encode(kind, text)
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(TYPES[kind], 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(TTL_SECONDS, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([encodeName(name), fixed, data])
}

function encode(kind: RecordType, text: string): Buffer {
  const words = text.split(' ')
  if (kind === 'A') return Buffer.from(text.split('.').map(Number))
  if (kind === 'AAAA') return encodeAddress6(text)
  if (kind === 'TXT') return Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)])
  if (kind === 'MX') return Buffer.concat([Buffer.of(0, Number(words[0])), encodeName(words[1])])
  if (kind !== 'SOA') return encodeName(text)
  const numbers = Buffer.alloc(20)
  for (const [index, word] of words.slice(2).entries()) numbers.writeUInt32BE(Number(word), index * 4)
  return Buffer.concat([encodeName(words[0]), encodeName(words[1]), numbers])
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.of(0)])
}

function encodeAddress6(text: string): Buffer {
  const [before, after = ''] = text.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = new Array<string>(8 - before.length - after.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...before, ...zeros, ...after].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  }
  return bytes
}

if (require.main === module) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '5353' }, address: { type: 'string', default: '127.0.0.1' } },
  })
  const socket = serve(EXAMPLE).bind(Number(values.port), values.address, () => {
    const { address, port } = socket.address()
    console.log(
      `Answering for ${Object.keys(EXAMPLE)[0]} on ${address}:${port}; try: dig @${address} -p ${port} www.example.test`,
    )
  })
}
