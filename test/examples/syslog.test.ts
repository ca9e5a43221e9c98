import { execFileSync, spawnSync } from 'node:child_process'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from '../../examples/syslog-sqlite.js'
import { client, portIn, start } from './example.js'

const hasLogger = spawnSync('logger', ['--version']).error === undefined

t.test('messages of both formats are parsed', async (t) => {
  t.strictSame(
    parse('<165>1 2003-10-11T22:14:15.003Z web01 evntslog 99 ID47 [a@1 k="x\\]y"][b@1 k="v"] \ufeffAn event'),
    [...[20, 5, 'web01', 'evntslog', '99', 'An event']],
  )
  t.strictSame(parse('<13>1 - - - - - - -'), [1, 5, null, null, null, '-'])
  t.strictSame(parse('<0>1 - host app - - -'), [0, 0, 'host', 'app', null, ''])
  t.strictSame(parse('<34>Oct 11 22:14:15 web01 su[230]: failed\nfor root'), [
    ...[4, 2, 'web01', 'su', '230', 'failed\nfor root'],
  ])
  t.strictSame(parse('<34>Oct  1 22:14:15 web01 su: failed'), [4, 2, 'web01', 'su', null, 'failed'])
  for (const text of ['', 'plain', '<34', '<9999>1 - - - - - -', '<34>Oct']) {
    t.strictSame(parse(text), [null, null, null, null, null, text])
  }
})

const messagesAreStored = async (t: Test) => {
  const file = join(t.testdir(), 'log.db')
  const example = start(t, 'syslog-sqlite.ts', [file, 0])
  const port = portIn(await example.line())
  const socket = await client(t, '127.0.0.1')
  for (let index = 0; index < 200; index += 1) {
    socket.send(`<13>1 - host app - - - message ${index}`, port, '127.0.0.1')
  }
  if (hasLogger)
    execFileSync('logger', ['-n', '127.0.0.1', '-P', `${port}`, '--udp', '-p', 'local7.err', '-t', 'job', 'by logger'])
  const expected = hasLogger ? 201 : 200

  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(file)
  t.teardown(() => database.close())
  const count = () => Number(database.prepare('SELECT count(*) AS n FROM messages').get()?.n)
  while (count() < expected) await new Promise((resolve) => setTimeout(resolve, 20))
  example.child.kill('SIGTERM')
  t.equal(await example.line(), `${expected} messages stored`)
  t.match(await example.end(), { code: 0 })
  t.equal(count(), expected)
  const texts = database.prepare("SELECT text FROM messages WHERE application = 'app' ORDER BY rowid").all()
  t.strictSame(
    texts.map(({ text }) => text),
    Array.from({ length: 200 }, (_, index) => `message ${index}`),
  )
  const byLogger = database.prepare("SELECT * FROM messages WHERE text = 'by logger'").all()
  if (hasLogger) t.match(byLogger, [{ sender: '127.0.0.1', facility: 23, severity: 3, application: 'job' }])
}

const requiredVersionIsNamed = async (t: Test) => {
  const { code, stderr } = await start(t, 'syslog-sqlite.ts', ['unused.db', 0]).end()
  t.equal(code, 1)
  t.match(stderr, /^requires node:sqlite: Node 22\.13 or newer, not v/)
}

if (isBuiltin('node:sqlite')) t.test('messages are stored', messagesAreStored)
else t.test('without node:sqlite it names the required version', requiredVersionIsNamed)
