import t from 'tap'
import { deadEndpoint } from '../support/sockets.js'
import { bench, startReceiver } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

const QUICK = '--duration 0.1 --rounds 2 --omit 0 --rate 5k --quiet --csv'

/** Reads lines: the first one has the names of the others' cells. Commas in quotes do not end a cell. */
function parse(text: string): Record<string, string>[] {
  const [names, ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/))
  return rows.map((cells) => {
    if (cells.length !== names.length) throw new Error(`${cells.length} cells for ${names.length} columns`)
    return Object.fromEntries(names.map((name, index) => [name, cells[index]]))
  })
}

t.test('send and recv: a line per round, and per stream', async (t) => {
  const { port } = deadEndpoint()
  const receiver = await startReceiver(`--listen 127.0.0.1:${port} --csv`)
  const { stdout } = await bench('send', `--to 127.0.0.1:${port} --mode sendmmsg,dgram --parallel 2 ${QUICK}`)
  const sent = parse(stdout)
  t.strictSame(sent.map(({ mode, round }) => `${mode} ${round}`).sort(), [
    'dgram 1',
    'dgram 2',
    'sendmmsg 1',
    'sendmmsg 2',
  ])
  const received = parse((await receiver.end()).stdout)
  t.equal(received.length, 8)
  for (const row of sent) {
    t.equal(Number(row['streams.1.packets']) + Number(row['streams.2.packets']), Number(row.packets))
    for (const stream of ['streams.1', 'streams.2']) {
      const isOwn = (one: Record<string, string>) =>
        one['sender.mode'] === row.mode && one.packets === row[`${stream}.delivered.delivered`]
      t.ok(received.some(isOwn), `${row.mode} ${row.round} ${stream}`)
    }
  }
})

t.test('without control connection: the column of what was delivered is empty', async (t) => {
  const { stdout } = await bench('send', `--to ${deadEndpoint()} --no-control --mode sendmsg ${QUICK}`)
  t.match(parse(stdout), [
    { round: '1', delivered: '', deliveredPerSecond: '' },
    { round: '2', delivered: '' },
  ])
})

t.test('drop-in: a line per figure and candidate', async (t) => {
  const { status, stdout } = await bench('drop-in', '--measure receive --rounds 1 --quick --quiet --csv')
  t.equal(status, 0)
  const figures = parse(stdout)
  t.match(figures, [
    { measure: 'receive', figure: 'ns per event', candidate: 'dgram' },
    { candidate: '"batchconn-dgram, no GRO"' },
    {},
  ])
  for (const figure of figures) t.equal(Number(figure['value.median']), Number(figure['rounds.1']))
})
