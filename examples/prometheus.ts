// Exports the statistics of a socket to Prometheus: an echo server on the drop-in for node:dgram, and a page of metrics.
//
//   npx ts-node examples/prometheus.ts [port] [metrics port]
//   curl http://127.0.0.1:9464/metrics
//
// Requires `npm install prom-client`. On Node 22 and newer its successor is `@prometheus-io/client`, with the same functions.
// Outside this repository, replace '../src/dgram/index.js' by 'batchconn/dgram'. `exportStats` serves a BatchConn as well.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Counter, Gauge, Registry } from 'prom-client'
import { createSocket } from '../src/dgram/index.js'

/** A socket of `batchconn/dgram`, or a BatchConn. */
interface Measured {
  readonly stats: object
}

// Averages since the start say little in a graph. In Prometheus, divide the rates of two counters instead:
// rate(batchconn_sent_datagrams_total[1m]) / rate(batchconn_send_calls_total[1m]).
const LEFT_OUT = new Set(['datagramsPerSend', 'datagramsPerReceive'])

const GAUGES = new Set(['queueMessages', 'queueBytes', 'maxQueuedMessages', 'maxQueuedBytes'])

/**
 * Creates a metric for each name in `stats`.
 *
 * @param sockets - by the value of the label `socket`; all of the same kind
 * @returns a function that reads all statistics, to be called before `registry.metrics()`
 */
export function exportStats(registry: Registry, sockets: Readonly<Record<string, Measured>>): () => void {
  const metrics = new Map<string, Counter<'socket'> | Gauge<'socket'>>()
  for (const name of Object.keys(Object.values(sockets)[0]?.stats ?? {})) {
    if (LEFT_OUT.has(name)) continue
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const options = { help: `${name} in the stats of a socket`, labelNames: ['socket'] as const, registers: [registry] }
    const metric = GAUGES.has(name)
      ? new Gauge({ name: `batchconn_${snake}`, ...options })
      : new Counter({ name: `batchconn_${snake}_total`, ...options })
    metrics.set(name, metric)
  }
  return () => {
    for (const metric of metrics.values()) metric.reset()
    for (const [socket, { stats }] of Object.entries(sockets)) {
      for (const [name, value] of Object.entries(stats)) metrics.get(name)?.inc({ socket }, value)
    }
  }
}

async function main(): Promise<void> {
  const [port = '9000', metricsPort = '9464'] = process.argv.slice(2)
  const echo = createSocket('udp4', (message, { port, address }) => echo.send(message, port, address))
  echo.bind(Number(port), '127.0.0.1')
  await once(echo, 'listening')

  const registry = new Registry()
  const readStats = exportStats(registry, { echo })
  const server = createServer(async (_request, response) => {
    readStats()
    const page = await registry.metrics()
    response.setHeader('Content-Type', registry.contentType).end(page)
  })
  server.listen(Number(metricsPort), '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const at = typeof address === 'object' ? address?.port : metricsPort
  console.log(`echo server on 127.0.0.1:${echo.address().port}; metrics on http://127.0.0.1:${at}/metrics`)
}

if (require.main === module) main()
