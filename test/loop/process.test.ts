import t from 'tap'
import { runChild } from '../support/child.js'

interface Row {
  readonly scenario: string
  readonly lines: readonly string[]
  readonly code?: number
}

// Each scenario runs in its own process, which must end by itself with this output and exit code.
const table: readonly Row[] = [
  { scenario: 'throwing callback', lines: ['the other callback runs', 'uncaught: from the callback'] },
  { scenario: 'waiting keeps alive', lines: ['settled'] },
  { scenario: 'no wait', lines: ['done, with the socket open'] },
  { scenario: 'aborted wait', lines: ['AbortError', 'AbortError'] },
  { scenario: 'closed while waiting', lines: ['ERR_SOCKET_CLOSED'] },
  { scenario: 'exit while waiting', lines: [], code: 7 },
  { scenario: 'closed at exit', lines: ['closed'] },
  { scenario: 'waiting at exit', lines: ['still here'] },
  { scenario: 'descriptor closed elsewhere', lines: ['close EBADF', 'ERR_SOCKET_CLOSED', 'the other sockets work'] },
  { scenario: 'descriptor number used again', lines: ['the same number', 'the new socket received x'] },
  { scenario: 'replaced watch', lines: ['the same number', 'TypeError'] },
  { scenario: 'unreferenced watch', lines: [] },
  { scenario: 'watch referenced again', lines: ['called'] },
]

for (const { scenario, lines, code = 0 } of table) {
  t.test(scenario, async (t) => {
    const result = await runChild('event-loop', { args: [scenario], timeoutMs: 10_000 })
    t.notOk(result.timedOut, 'the process ends by itself')
    t.equal(result.signal, null, 'no signal ends it')
    t.equal(result.code, code)
    t.same(result.stdout.split('\n').filter(Boolean).sort(), [...lines].sort())
    t.equal(result.stderr, '')
  })
}

t.test('an uncaught exception in a callback ends the process as any other does', async (t) => {
  const result = await runChild('event-loop', { args: ['uncaught exception'] })
  t.notOk(result.timedOut)
  t.equal(result.code, 1)
  t.match(result.stderr, /Error: uncaught/)
})
