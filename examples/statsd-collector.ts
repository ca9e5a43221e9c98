// StatsD collector on the drop-in for node:dgram: counters, gauges, sets and timers, printed once per interval as lines of
// Graphite's plain text protocol.
//
//   npx ts-node examples/statsd-collector.ts [port] [address] [interval in seconds]
//   echo 'page.views:1|c' | nc -u -w0 127.0.0.1 8125
//
// Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'; with 'node:dgram' in its place it is the
// same collector, for comparison.
import { createSocket } from '../src/dgram/index.js'

/** Metrics of one interval. Gauges keep their values. */
export class Metrics {
  readonly #gauges = new Map<string, number>()
  #counters = new Map<string, number>()
  #sets = new Map<string, Set<string>>()
  #timers = new Map<string, number[]>()
  #received = 0
  #malformed = 0

  /** Adds the lines of a datagram: `name:value|type|@rate|#tags`. Tags become a part of the name. */
  add(datagram: string): void {
    for (const line of datagram.split('\n')) {
      if (line === '') continue
      this.#received += 1
      if (!this.#addLine(line)) this.#malformed += 1
    }
  }

  /** Returns the metrics as lines `name value seconds`, and begins a new interval. */
  flush(seconds: number): string[] {
    const lines = Array.from(this.#counters, ([name, count]) => `counters.${name} ${count} ${seconds}`)
    for (const [name, value] of this.#gauges) lines.push(`gauges.${name} ${value} ${seconds}`)
    for (const [name, values] of this.#sets) lines.push(`sets.${name}.count ${values.size} ${seconds}`)
    for (const [name, values] of this.#timers) {
      const sorted = Float64Array.from(values).sort()
      const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]
      lines.push(`timers.${name}.count ${sorted.length} ${seconds}`)
      for (const [label, share] of PERCENTILES) lines.push(`timers.${name}.${label} ${at(share)} ${seconds}`)
    }
    lines.push(`statsd.received ${this.#received} ${seconds}`, `statsd.malformed ${this.#malformed} ${seconds}`)
    this.#counters = new Map()
    this.#sets = new Map()
    this.#timers = new Map()
    this.#received = 0
    this.#malformed = 0
    return lines
  }

  #addLine(line: string): boolean {
    const [head, type, ...rest] = line.split('|')
    const colon = head.indexOf(':')
    if (colon < 1 || type === undefined) return false
    const tags = rest.find((part) => part[0] === '#')
    const name = tags === undefined ? head.slice(0, colon) : `${head.slice(0, colon)};${tags.slice(1)}`
    const text = head.slice(colon + 1)
    if (type === 's') {
      this.#sets.set(name, (this.#sets.get(name) ?? new Set()).add(text))
      return true
    }
    const value = Number(text)
    if (text === '' || !Number.isFinite(value)) return false
    if (type === 'c') {
      // A client that sends one of ten increments marks it with the rate 0.1.
      const rate = Number(rest.find((part) => part[0] === '@')?.slice(1) ?? 1)
      if (!(rate > 0)) return false
      this.#counters.set(name, (this.#counters.get(name) ?? 0) + value / rate)
    } else if (type === 'g') {
      // A sign makes it a change of the value.
      const base = text[0] === '+' || text[0] === '-' ? (this.#gauges.get(name) ?? 0) : 0
      this.#gauges.set(name, base + value)
    } else if (type === 'ms' || type === 'h') {
      const values = this.#timers.get(name)
      if (values === undefined) this.#timers.set(name, [value])
      else values.push(value)
    } else return false
    return true
  }
}

const PERCENTILES: readonly (readonly [string, number])[] = [
  ['median', 0.5],
  ['upper_90', 0.9],
  ['upper', 1],
]

if (require.main === module) {
  const [port = '8125', address = '127.0.0.1', interval = '10'] = process.argv.slice(2)
  const metrics = new Metrics()
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }, (datagram) => metrics.add(datagram.toString()))
  socket.bind(Number(port), address, () => console.log(`collecting on ${address}:${socket.address().port}`))
  setInterval(() => console.log(metrics.flush(Math.round(Date.now() / 1000)).join('\n')), Number(interval) * 1000)
}
