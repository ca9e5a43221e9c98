import t from 'tap'
import { missing } from '../support.js'
import { endCommand } from './end-command.js'
import { COMMANDS, SIGNALS } from './moments.js'

// `npx ts-node test/bench/signals/run.ts` runs every command, moment and signal.
t.setTimeout(300_000)

for (const [index, one] of COMMANDS.entries()) {
  const moment = one.moments[one.command === 'profile' ? 1 : 4]
  const sent = SIGNALS[index % SIGNALS.length]
  const skip = one.command === 'compare' && missing('cc', '--version')
  t.test(`${one.command}, ${moment.name}: ${sent.signal}`, { skip }, async (t) => {
    t.strictSame(await endCommand(one, moment, sent, t.testdir()), [])
  })
}

t.test('each command has six moments', async (t) => {
  for (const { command, moments } of COMMANDS) t.equal(new Set(moments.map(({ name }) => name)).size, 6, command)
})
