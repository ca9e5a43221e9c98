import t, { type Test } from 'tap'
import { childJson, runChild } from '../support/child.js'

// A descriptor that other code closes, reuses or shuts down while a reader waits for datagrams. A busy loop is detected
// by the number of loop iterations and receive calls, not by time.

interface Report {
  /** Counted while ten datagrams arrived at each of two sockets, 20 ms apart. */
  readonly iterations: number
  readonly calls: number
  /** Counted in 100 ms after `close`. */
  readonly iterationsAfterClose: number
  readonly errors: string[]
  readonly closing: string[]
  readonly texts: string[]
  readonly otherTexts: string[]
  readonly successor: string[]
}

interface Row {
  readonly event: string
  /** Errors of the reader, by an uncaught exception or a rejection. */
  readonly errors: RegExp | undefined
  readonly closing?: string[]
  readonly successor?: string[]
}

const rows: Row[] = [
  // epoll removes the descriptor without an event, so close is the first call that fails.
  { event: 'closed', errors: undefined, closing: ['EBADF'] },
  { event: 'closed while a duplicate is open', errors: /^EBADF$/ },
  { event: 'reused by a file while a duplicate is open', errors: /^ENOTSOCK$/, successor: ['the file is open'] },
  { event: 'shut down for reading', errors: /^E/ },
  { event: 'shut down for writing', errors: undefined },
  { event: 'shut down for both', errors: /^E/ },
]

const TEXTS = ['before', 'after', ...Array.from({ length: 10 }, (_, index) => `${index}`)]

const READERS = ['onReadable', 'batches']

/** Runs an event with each reader, at the same time. */
function reports(event: string): Promise<[string, Report][]> {
  const run = async (reader: string): Promise<[string, Report]> => [
    reader,
    await childJson<Report>('faults-descriptors', { args: [reader, event], timeoutMs: 15_000 }),
  ]
  return Promise.all(READERS.map(run))
}

function checkCalm(t: Test, reader: string, report: Report): void {
  t.ok(report.iterations < 200, `${reader}: ${report.iterations} loop iterations`)
  t.ok(report.calls < 200, `${reader}: ${report.calls} receive calls`)
  t.ok(report.iterationsAfterClose < 50, `${reader}: ${report.iterationsAfterClose} loop iterations after close`)
  t.strictSame(report.otherTexts, [...TEXTS, 'last'], `${reader}: the other socket received everything`)
}

for (const { event, errors, closing = [], successor = [] } of rows) {
  t.test(`${event}: at most one error, no busy loop, other sockets keep receiving`, async (t) => {
    for (const [reader, report] of await reports(event)) {
      checkCalm(t, reader, report)
      t.equal(report.errors.length, errors === undefined ? 0 : 1, `${reader}: ${report.errors.slice(0, 3)}`)
      if (errors !== undefined) t.match(report.errors[0], errors)
      t.strictSame(report.closing, closing, 'close reports what was not reported before')
      t.strictSame(report.successor, successor, 'close does not affect the new file with the same number')
      if (event === 'shut down for writing') t.strictSame(report.texts, TEXTS, 'receiving continues')
    }
  })
}

t.test('the number is reused by a socket while a duplicate is open: both other sockets keep receiving', async (t) => {
  for (const [reader, report] of await reports('reused by a socket while a duplicate is open')) {
    checkCalm(t, reader, report)
    t.strictSame(report.successor, ['to the new socket', 'and after close'])
    t.strictSame(report.texts, ['before'], 'no datagram for the new socket was delivered to the old one')
  }
})

for (const event of ['shut down for reading', 'shut down for writing', 'shut down for both']) {
  t.test(`the drop-in: ${event} by another holder: messages and errors are those of node:dgram`, async (t) => {
    const [own, node] = await Promise.all(
      ['drop-in', 'node'].map(async (which) => {
        const { code, signal, stderr, stdout } = await runChild('faults-dgram-descriptors', { args: [event, which] })
        t.same({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, which)
        return JSON.parse(stdout) as { errors: string[]; messages: number; otherMessages: number; sending: string[] }
      }),
    )
    t.ok(own.errors.length <= 1, `${own.errors.length} errors`)
    t.strictSame(own.sending, node.sending)
    t.equal(own.otherMessages, node.otherMessages)
    if (event === 'shut down for writing') t.equal(own.messages, node.messages)
  })
}
