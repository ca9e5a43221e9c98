import t from 'tap'
import { runChild } from '../support/child.js'

// Node runs the event loop once more when a process ends by itself, and a poll callback aborted the process then.

for (const args of [['drop-in'], ['drop-in', 'removed'], ['conn'], ['conn', 'removed']]) {
  t.test(`a process ends by itself while datagrams arrive: ${args.join(', ')}`, async (t) => {
    const { code, signal, stderr } = await runChild('natural-end', { args })
    t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  })
}
