import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { start } from './example.js'

t.test('every member of the chat receives every line', async (t) => {
  // Another group in each run, so that runs at the same time do not meet.
  const group = `239.255.7.${1 + (process.pid % 250)}`
  const free = createSocket('udp4').bind(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address()
  free.close()
  const members = ['alice', 'bob'].map((name) => start(t, 'multicast-chat.ts', [name, group, port]))
  for (const member of members) t.match(await member.line(), /^(alice|bob) is in 239\.255\.7\.\d+:\d+$/)

  members[0].write('hello\n')
  for (const member of members) t.equal(await member.line(), 'alice: hello')
  members[1].write('a \x1b[31mred\x07 line\n')
  for (const member of members)
    t.equal(await member.line(), 'bob: a \u{fffd}[31mred\u{fffd} line', 'no control character')
  for (const { child } of members) child.stdin?.end()
  for (const member of members) t.strictSame(await member.end(), { code: 0, stderr: '' })
})
