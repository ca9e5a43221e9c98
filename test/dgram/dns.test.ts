import { execFile, spawnSync } from 'node:child_process'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { promisify } from 'node:util'
import t from 'tap'
import { EXAMPLE, respond, serve } from '../../examples/dns-server.js'

const server = serve(EXAMPLE)
const resolver = new Resolver({ timeout: 2000, tries: 2 })
let port = 0

const hasDig = spawnSync('dig', ['-v']).error === undefined

t.before(async () => {
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  port = server.address().port
  resolver.setServers([`127.0.0.1:${port}`])
})

t.teardown(() => server.close())

t.test("the server answers Node's resolver", async (t) => {
  t.same((await resolver.resolve4('www.example.test')).sort(), ['192.0.2.1', '192.0.2.2'])
  t.same(await resolver.resolve4('www.example.test', { ttl: true }), [
    { address: '192.0.2.1', ttl: 300 },
    { address: '192.0.2.2', ttl: 300 },
  ])
  t.same(await resolver.resolve6('www.example.test'), ['2001:db8::1'])
  t.same(await resolver.resolveTxt('example.test'), [['batched UDP']])
  t.same(await resolver.resolveNs('example.test'), ['ns.example.test'])
  t.same(await resolver.resolveCname('alias.example.test'), ['www.example.test'])
  t.same(await resolver.resolve4('alias.example.test'), ['192.0.2.1', '192.0.2.2'], 'an alias is followed')
  t.match(await resolver.resolveSoa('example.test'), { nsname: 'ns.example.test', serial: 1, minttl: 60 })
  // From Node 24 on they have a `type` as well.
  t.match(
    (await resolver.resolveMx('example.test')).sort((a, b) => a.priority - b.priority),
    [
      { exchange: 'mail.example.test', priority: 10 },
      { exchange: 'mail2.example.test', priority: 20 },
    ],
  )
})

t.test('missing names and types get the right error code', async (t) => {
  await t.rejects(resolver.resolve4('missing.example.test'), { code: 'ENOTFOUND' })
  await t.rejects(resolver.resolve6('ns.example.test'), { code: 'ENODATA' })
  await t.rejects(resolver.resolve4('another.test'), { code: 'EREFUSED' })
})

t.test('200 queries at once are all answered', async (t) => {
  // As many answers as fit into the resolver's receive buffer, which it does not read while the server sends them.
  const answers = await Promise.all(Array.from({ length: 200 }, () => resolver.resolve6('www.example.test')))
  t.ok(answers.every(([address]) => address === '2001:db8::1'))
})

t.test('the server answers dig', { skip: hasDig ? false : 'dig is not installed' }, async (t) => {
  const dig = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('dig', [
      '@127.0.0.1',
      '-p',
      String(port),
      '+tries=2',
      '+time=2',
      ...args,
    ])
    return stdout
  }
  t.equal(await dig('+short', 'www.example.test', 'AAAA'), '2001:db8::1\n')
  t.match(await dig('www.example.test'), /status: NOERROR.*\n;; flags: qr aa/)
  t.match(await dig('missing.example.test'), /status: NXDOMAIN/)
  t.match(await dig('example.test', 'ANY', '+notcp'), /batched UDP/)
})

t.test('malformed queries get an error code or no answer', (t) => {
  t.equal(respond(EXAMPLE, Buffer.alloc(11)), undefined, 'too short for a header')
  t.equal(respond(EXAMPLE, query({ flags: 0x8000 })), undefined, 'a response is not answered')
  t.equal(codeOf(query({ flags: 0x2800 })), 4, 'an opcode other than QUERY')
  t.equal(codeOf(query({ questions: 2 })), 1, 'two questions')
  t.equal(codeOf(query({ name: Buffer.of(0xc0, 12) })), 1, 'a compressed name')
  t.equal(codeOf(query({ name: Buffer.of(63, 97) })), 1, 'a truncated name')
  t.equal(codeOf(query({}).subarray(0, 14)), 1, 'a truncated question')
  t.end()
})

t.test('no query ends the server', (t) => {
  const original = query({})
  for (let index = 0; index < original.length; index += 1) {
    for (const value of [0, 1, 0x3f, 0x40, 0xc0, 0xff]) {
      const changed = Buffer.from(original)
      changed[index] = value
      const answer = respond(EXAMPLE, changed)
      if (answer !== undefined) t.ok(answer.readUInt16BE(0) === changed.readUInt16BE(0), `byte ${index} is ${value}`)
    }
  }
  t.end()
})

function query({ flags = 0, questions = 1, name = Buffer.from('\x07example\x04test\0') }): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(flags, 2)
  header.writeUInt16BE(questions, 4)
  return Buffer.concat([header, name, Buffer.of(0, 1, 0, 1)])
}

function codeOf(query: Buffer): number | undefined {
  return respond(EXAMPLE, query)?.[3]
}
