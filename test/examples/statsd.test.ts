import t from 'tap'
import { Metrics } from '../../examples/statsd-collector.js'
import { client, portIn, start } from './example.js'

function flushed(...datagrams: string[]): string[] {
  const metrics = new Metrics()
  for (const datagram of datagrams) metrics.add(datagram)
  return metrics.flush(7)
}

t.test('each type of metric', async (t) => {
  t.strictSame(flushed('a:1|c', 'a:2|c|@0.5\nb:1|c'), [
    'counters.a 5 7',
    'counters.b 1 7',
    'statsd.received 3 7',
    'statsd.malformed 0 7',
  ])
  t.strictSame(flushed('g:10|g\ng:-3|g\ng:+1|g\nnew:-2|g').slice(0, 2), ['gauges.g 8 7', 'gauges.new -2 7'])
  t.strictSame(flushed('s:x|s\ns:y|s\ns:x|s').slice(0, 1), ['sets.s.count 2 7'])
  const timings = Array.from({ length: 10 }, (_, index) => `t:${10 - index}|ms`)
  t.strictSame(flushed(...timings).slice(0, 4), [
    'timers.t.count 10 7',
    'timers.t.median 5 7',
    'timers.t.upper_90 9 7',
    'timers.t.upper 10 7',
  ])
  t.strictSame(flushed('a:1|c|#env:test', 'a:1|c').slice(0, 2), ['counters.a;env:test 1 7', 'counters.a 1 7'])
})

t.test('what is no metric is counted as malformed', async (t) => {
  const lines = ['x', ':1|c', 'a|c', 'a:1', 'a:|c', 'a:one|c', 'a:1|c|@0', 'a:1|c|@x', 'a:1|q', 'a:Infinity|g']
  t.strictSame(flushed(lines.join('\n')), [`statsd.received ${lines.length} 7`, `statsd.malformed ${lines.length} 7`])
})

t.test('gauges outlive an interval, all others begin anew', async (t) => {
  const metrics = new Metrics()
  metrics.add('g:1|g\nc:1|c\ns:1|s\nt:1|ms')
  t.equal(metrics.flush(1).length, 9)
  t.strictSame(metrics.flush(2), ['gauges.g 1 2', 'statsd.received 0 2', 'statsd.malformed 0 2'])
})

t.test('every metric is counted once', async (t) => {
  const example = start(t, 'statsd-collector.ts', [0, '127.0.0.1', 0.1])
  const port = portIn(await example.line())
  const socket = await client(t, '127.0.0.1')
  for (let index = 0; index < 50; index += 1) socket.send('requests:1|c\nrequests:1|c', port, '127.0.0.1')
  let counted = 0
  while (counted < 100) counted += Number(/^counters\.requests (\d+) /.exec(await example.line())?.[1] ?? 0)
  t.equal(counted, 100)
  example.child.kill()
  t.equal((await example.end()).stderr, '')
})
