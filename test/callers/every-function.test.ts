import t from 'tap'
import { BatchConn, ErrnoError, endpoint, probe, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket } from '../support/sockets.js'
import { HOSTILE_VALUES } from './hostile-values.js'

const peer = endpoint({ address: '127.0.0.1', port: 9 })

/** Arguments of the calls below. Sockets and batches are created for each call. */
interface Bench {
  readonly conn: BatchConn
  readonly out: SendBatch
  readonly inbox: RecvBatch
}

type Call = (bench: Bench, value: never) => unknown

const CALLS: Record<string, Call> = {
  'endpoint(x)': (_bench, x) => endpoint(x),
  'endpoint({ address: x })': (_bench, x) => endpoint({ address: x, port: 1 }),
  'endpoint({ port: x })': (_bench, x) => endpoint({ address: '127.0.0.1', port: x }),
  'peer.equals(x)': (_bench, x) => peer.equals(x),
  'new SendBatch(x)': (_bench, x) => new SendBatch(x),
  'new SendBatch({ capacity: x })': (_bench, x) => new SendBatch({ capacity: x }),
  'new SendBatch({ slotBytes: x })': (_bench, x) => new SendBatch({ slotBytes: x }),
  'new SendBatch({ coalesce: x })': (_bench, x) => new SendBatch({ coalesce: x }),
  'new SendBatch({ maxSegments: x })': (_bench, x) => new SendBatch({ maxSegments: x }),
  'new RecvBatch(x)': (_bench, x) => new RecvBatch(x),
  'new RecvBatch({ capacity: x })': (_bench, x) => new RecvBatch({ capacity: x }),
  'new RecvBatch({ slotBytes: x })': (_bench, x) => new RecvBatch({ slotBytes: x }),
  'new RecvBatch({ gro: x })': (_bench, x) => new RecvBatch({ gro: x }),
  'out.append(x)': ({ out }, x) => out.append(x, peer),
  'out.append([x])': ({ out }, x) => out.append([x], peer),
  'out.append(…, x)': ({ out }, x) => out.append('m', x),
  'out.append(…, …, x)': ({ out }, x) => out.append('m', peer, x),
  'out.append(…, …, { segmentBytes: x })': ({ out }, x) => out.append('m', peer, { segmentBytes: x }),
  'out.append(…, …, { ttl: x })': ({ out }, x) => out.append('m', peer, { ttl: x }),
  'out.append(…, …, { ecn: x })': ({ out }, x) => out.append('m', peer, { ecn: x }),
  'out.append(…, …, { tos: x })': ({ out }, x) => out.append('m', peer, { tos: x }),
  'out.append(…, …, { source: x })': ({ out }, x) => out.append('m', peer, { source: x }),
  'out.append(…, …, { interfaceIndex: x })': ({ out }, x) => out.append('m', peer, { interfaceIndex: x }),
  'out.append(…, …, { txTimeNs: x })': ({ out }, x) => out.append('m', peer, { txTimeNs: x }),
  'out.reserve(x)': ({ out }, x) => out.reserve(x, peer),
  'out.reserve(…, x)': ({ out }, x) => out.reserve(1, x),
  'out.reserve(…, …, x)': ({ out }, x) => out.reserve(1, peer, x),
  'out.appendReference(x)': ({ out }, x) => out.appendReference(x, peer),
  'out.appendReference(…, x)': ({ out }, x) => out.appendReference(Buffer.from('m'), x),
  'out.appendReference(…, …, x)': ({ out }, x) => out.appendReference(Buffer.from('m'), peer, x),
  'out.size(x)': ({ out }, x) => out.size(x),
  'out.destination(x)': ({ out }, x) => out.destination(x),
  'inbox.bytes(x)': ({ inbox }, x) => inbox.bytes(x),
  'inbox.size(x)': ({ inbox }, x) => inbox.size(x),
  'inbox.source(x)': ({ inbox }, x) => inbox.source(x),
  'inbox.truncated(x)': ({ inbox }, x) => inbox.truncated(x),
  'inbox.segmentBytes(x)': ({ inbox }, x) => inbox.segmentBytes(x),
  'inbox.timestampNs(x)': ({ inbox }, x) => inbox.timestampNs(x),
  'BatchConn.open(x)': (_bench, x) => BatchConn.open(x).close(),
  'BatchConn.open({ family: x })': (_bench, x) => BatchConn.open({ family: x }).close(),
  'BatchConn.open({ recvErrors: x })': (_bench, x) => BatchConn.open({ recvErrors: x }).close(),
  'BatchConn.open({ gso: x })': (_bench, x) => BatchConn.open({ gso: x }).close(),
  'BatchConn.open({ receiveBufferBytes: x })': (_bench, x) => BatchConn.open({ receiveBufferBytes: x }).close(),
  'BatchConn.open({ bindToDevice: x })': (_bench, x) => BatchConn.open({ bindToDevice: x }).close(),
  'BatchConn.open({ multicastInterface: x })': (_bench, x) => BatchConn.open({ multicastInterface: x }).close(),
  'BatchConn.open({ txTime: x })': (_bench, x) => BatchConn.open({ txTime: x }).close(),
  'BatchConn.adopt(x)': (_bench, x) => typeof x !== 'number' && BatchConn.adopt(x),
  'BatchConn.adopt(…, x)': ({ conn }, x) => BatchConn.adopt(conn.fd, x),
  'new BatchConn(x)': (_bench, x) => Reflect.construct(BatchConn, [x]),
  'conn.bind(x)': ({ conn }, x) => conn.bind(x),
  'conn.connect(x)': ({ conn }, x) => conn.connect(x),
  'conn.send(x)': ({ conn }, x) => conn.send(x),
  'conn.sendAll(x)': ({ conn }, x) => conn.sendAll(x),
  'conn.sendAll(…, x)': ({ conn, out }, x) => conn.sendAll(out, x),
  'conn.sendAll(…, { signal: x })': ({ conn, out }, x) => conn.sendAll(out, { signal: x }),
  'conn.recv(x)': ({ conn }, x) => conn.recv(x),
  'conn.onReadable(x)': ({ conn }, x) => conn.onReadable(x, () => {}).close(),
  'conn.onReadable(…, x)': ({ conn, inbox }, x) => conn.onReadable(inbox, x).close(),
  'conn.onReadable(…, …, x)': ({ conn, inbox }, x) => conn.onReadable(inbox, () => {}, x).close(),
  'conn.onReadable(…, …, { onError: x })': ({ conn, inbox }, x) =>
    conn.onReadable(inbox, () => {}, { onError: x }).close(),
  'conn.batches(x)': ({ conn }, x) => conn.batches(x),
  'conn.batches(…, x)': ({ conn, inbox }, x) => conn.batches(inbox, x),
  'conn.readable(x)': ({ conn }, x) => settledOrWaiting(conn.readable(x)),
  'conn.writable({ signal: x })': ({ conn }, x) => settledOrWaiting(conn.writable({ signal: x })),
  'conn.recvBlocking(x)': ({ conn }, x) => conn.recvBlocking(x, { timeoutMs: 0 }),
  'conn.recvBlocking(…, { timeoutMs: x })': ({ conn, inbox }, x) =>
    !(typeof x === 'number' && x > 1) && conn.recvBlocking(inbox, { timeoutMs: x ?? 0 }),
  'conn.joinMulticast(x)': ({ conn }, x) => conn.joinMulticast(x),
  'conn.joinMulticast({ group: x })': ({ conn }, x) => conn.joinMulticast({ group: x }),
  'conn.options.ttl = x': ({ conn }, x) => Object.assign(conn.options, { ttl: x }),
  'conn.options.mtuDiscover = x': ({ conn }, x) => Object.assign(conn.options, { mtuDiscover: x }),
  'conn.options.bindToDevice = x': ({ conn }, x) => Object.assign(conn.options, { bindToDevice: x }),
  'probe(x)': (_bench, x) => x !== undefined && Object.keys(x ?? {}).length > 0 && probe(x),
}

/** Rejects as the promise does, but does not wait for a promise that only received datagrams would settle. */
function settledOrWaiting(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise, new Promise((resolve) => setImmediate(resolve))])
}

function isFromTheCaller(error: unknown): boolean {
  return error instanceof Error && /of a caller$/.test(error.message)
}

for (const [name, call] of Object.entries(CALLS)) {
  t.test(`${name}: clear error or success, socket and batches work afterwards`, async (t) => {
    for (const [what, make] of Object.entries(HOSTILE_VALUES)) {
      using conn = boundSocket()
      const bench = { conn, out: new SendBatch({ capacity: 4 }), inbox: new RecvBatch() }
      try {
        await call(bench, make() as never)
      } catch (error) {
        const isMisuse = error instanceof TypeError || error instanceof RangeError
        const { code } = error as { code?: unknown }
        const isClear = error instanceof ErrnoError || (isMisuse && typeof code === 'string' && /^ERR_/.test(code))
        if (!isClear && !isFromTheCaller(error)) t.fail(`${what}: ${error}`)
      }
      if (conn.remoteAddress !== undefined) conn.disconnect()
      bench.out.clear()
      bench.out.append('still works', conn.localAddress)
      t.equal(conn.send(bench.out), 1, what)
      t.equal(conn.recv(bench.inbox), 1, what)
      t.equal(String(bench.inbox.bytes(0)), 'still works', what)
    }
  })
}
