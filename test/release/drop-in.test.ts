import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import type { FigureSummary } from '../../bench/drop-in/measure.js'
import { type BenchDocument, BenchProcess, bench } from '../bench/support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

async function figures(line: string): Promise<FigureSummary[]> {
  const { status, stdout } = await bench('drop-in', `${line} --quiet --json`)
  const document = JSON.parse(stdout) as BenchDocument & { figures: FigureSummary[] }
  t.match({ status, ...document }, { status: 0, schemaVersion: 2, command: 'drop-in', machine: { node: String } })
  return document.figures
}

t.test('every figure of every candidate', async (t) => {
  const found = await figures('--measure send,receive,round-trip,sockets --sockets 40 --rounds 2 --quick --seed 7')
  t.strictSame(
    found.map(({ measure, figure, candidate }) => `${measure}: ${figure}, ${candidate}`),
    [
      'send: ns per datagram, dgram',
      'send: ns per datagram, batchconn-dgram, no GSO',
      'send: ns per datagram, batchconn-dgram',
      'receive: ns per event, dgram',
      'receive: ns per event, batchconn-dgram, no GRO',
      'receive: ns per event, batchconn-dgram',
      'round-trip: median us, dgram',
      'round-trip: median us, batchconn-dgram',
      'round-trip: p99 us, dgram',
      'round-trip: p99 us, batchconn-dgram',
      'sockets: us of CPU per tick, dgram',
      'sockets: us of CPU per tick, batchconn-dgram',
      'sockets: peak resident MiB, dgram',
      'sockets: peak resident MiB, batchconn-dgram',
    ],
  )
  for (const { rounds, value } of found) {
    const { low, median, high } = value ?? { low: 0, median: -1, high: 0 }
    t.equal(rounds.length, 2)
    t.ok(rounds.every((one) => (one ?? 0) > 0))
    t.ok(low <= median && median <= high)
  }
})

for (const size of [64, 1400]) {
  t.test(`a kept datagram of ${size} bytes takes no more memory than node:dgram’s`, async (t) => {
    const found = await figures(`--measure kept --rounds 1 --kept 100000 --size ${size}`)
    const accounted = found.filter(({ figure }) => figure === 'bytes per datagram')
    const bytes = Object.fromEntries(accounted.map(({ candidate, value }) => [candidate, value?.median ?? 0]))
    t.ok(bytes.dgram >= size, 'it is the datagrams that are counted')
    for (const candidate of ['batchconn-dgram', 'batchconn-dgram, no GRO']) {
      t.ok(bytes[candidate] >= size)
      t.ok(bytes[candidate] <= bytes.dgram, `${bytes[candidate]} bytes, node:dgram ${bytes.dgram}`)
    }
  })
}

t.test('a table, with progress', async (t) => {
  const { status, stdout, stderr } = await bench('drop-in', '--measure round-trip --rounds 1 --quick --cpu 0')
  t.equal(status, 0)
  t.match(stderr, /^round-trip, round 1 of 1, dgram: [\d.]+ median us, [\d.]+ p99 us$/m)
  t.match(stdout, /^datagrams of 64 bytes on loopback, rounds: 1, .* \(seed \d+\), all on processor 0$/m)
  t.match(stdout, /^round-trip, batchconn-dgram +median us( +[\d.,]+ \([\d.,]+ - [\d.,]+\)){2}$/m)
})

t.test('what is sent goes where it should, in turn to each destination', async (t) => {
  const counts: number[] = []
  const sockets = await Promise.all(
    [0, 1, 2].map(async (index) => {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
      counts.push(0)
      socket.on('message', (bytes) => {
        if (bytes.length === 70) counts[index] += 1
      })
      return socket
    }),
  )
  const [first, ...others] = sockets
  first.bind(0, '127.0.0.2')
  await once(first, 'listening')
  const { port } = first.address()
  others.forEach((socket, index) => {
    socket.bind(port, `127.0.0.${3 + index}`)
  })
  const { status, stdout } = await bench(
    'drop-in',
    `--measure send --to 127.0.0.2:${port} --destinations 3 --grouped --sends 96 --size 70 --rounds 1`,
  )
  for (const socket of sockets) socket.close()
  t.equal(status, 0)
  t.match(
    stdout,
    new RegExp(
      `^datagrams of 70 bytes on loopback, sent ones to 127.0.0.2:${port}, 3 destinations one after the other, 96 sends per tick, rounds: 1`,
    ),
  )
  // How many get through depends on how fast this process is.
  for (const count of counts) t.ok(count > 1000, `${count} arrived`)
})

t.test('memory that cannot be measured is n/a, not negative', async (t) => {
  const { status, stdout } = await bench('drop-in', '--measure kept --rounds 2 --kept 1 --size 1')
  t.equal(status, 0)
  t.notMatch(stdout, /-\d/)
})

t.test('Ctrl-C: the complete rounds are printed', async (t) => {
  const process = new BenchProcess('drop-in', ['--measure', 'round-trip', '--rounds', '1000', '--quick'])
  await process.says(/round 2 of 1000/)
  const { status, stdout, stderr } = await process.end('SIGINT')
  t.equal(status, 130)
  t.match(stdout, /^PARTIAL RESULT: not all rounds are complete \(interrupted by SIGINT\)$/m)
  t.match(stdout, /^round-trip, dgram +median us/m)
  t.match(stderr, /^drop-in: interrupted by SIGINT$/m)
})

t.test('bad input', async (t) => {
  const { status, stderr } = await bench('drop-in', '--measure receive,latency')
  t.equal(status, 2)
  t.equal(stderr, "drop-in: --measure must be a list of send, receive, round-trip, kept, sockets, not 'latency'\n")
  for (const [to, count] of [
    ['[::1]:9', 1],
    ['localhost:9', 1],
    ['127.0.0.200:9', 57],
  ]) {
    const { status, stderr } = await bench('drop-in', `--measure send --to ${to} --destinations ${count}`)
    t.equal(status, 2)
    t.match(stderr, /^drop-in: --to must be an IPv4 address with \d+ more after it in its \/24, not '.+'\n$/)
  }
  const off = await bench('drop-in', '--measure round-trip --rounds 1 --cpu 4095 --quiet')
  t.equal(off.status, 2)
  t.match(off.stderr, /^drop-in: --cpu must be one of the processors [\d,-]+, not '4095'\n$/)
})
