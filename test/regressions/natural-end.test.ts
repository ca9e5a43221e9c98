import t from 'tap'
import { childJson, runChild } from '../support/child.js'

// When a process ends by itself, Node runs the event loop once more. A poll callback then aborted the process.

for (const args of [['drop-in'], ['drop-in', 'removed'], ['conn'], ['conn', 'removed']]) {
  t.test(`a process can end by itself while datagrams arrive: ${args.join(', ')}`, async (t) => {
    const { code, signal, stderr } = await runChild('natural-end', { args })
    t.strictSame({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
  })
}

for (const order of ['first', 'last']) {
  for (const [work, result] of [
    ['wait', [1]],
    ['server', ['to the server']],
    ['ref', ['to itself']],
    ['unref', []],
  ] as const) {
    t.test(`work that begins in beforeExit is done: ${work}, as the ${order} listener`, async (t) => {
      t.strictSame(await childJson('before-exit', { args: [work, order] }), ['beforeExit', ...result])
    })
  }
}

t.test('sockets that are opened after an emitted `exit` receive', async (t) => {
  t.strictSame(await childJson('exit-emitted'), [1, 'library', 'drop-in'])
})
