import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BatchConn, type OpenOptions, RecvBatch, SendBatch } from '../../src/index.js'
import { runChild } from '../support/child.js'
import { boundSocket, deadEndpoint } from '../support/sockets.js'

/** Counts the `recv` calls while the ICMP error of a message arrives, and for some time after. */
async function recvCalls(t: Test, conn: BatchConn): Promise<number> {
  t.teardown(() => conn.close())
  let calls = 0
  const { recv } = conn
  conn.recv = (batch) => {
    calls += 1
    return recv.call(conn, batch)
  }
  conn.onReadable(new RecvBatch(), () => {}, { onError: () => {} })
  const out = new SendBatch({ capacity: 1 })
  out.append('x', deadEndpoint())
  conn.send(out)
  await sleep(100)
  return calls
}

t.test(
  'an adopted descriptor with IP_RECVERR set: its error queue is emptied, and takeErrors() returns the errors',
  async (t) => {
    const conn = BatchConn.adopt(BatchConn.open({ recvErrors: true }).release())
    t.ok((await recvCalls(t, conn)) < 20)
    t.match(conn.takeErrors(), [{ code: 'ECONNREFUSED', origin: 'icmp' }])
  },
)

t.test('recvErrors: false switches IP_RECVERR off on an adopted descriptor', async (t) => {
  const conn = BatchConn.adopt(BatchConn.open({ recvErrors: true }).release(), { recvErrors: false })
  t.ok((await recvCalls(t, conn)) < 20)
  t.throws(() => conn.takeErrors(), { code: 'ERR_INVALID_STATE' })
})

t.test('setting IP_RECVERR on the descriptor without the library causes no busy loop', async (t) => {
  const conn = boundSocket()
  // Another socket object over the same descriptor, like another process that shares it.
  BatchConn.adopt(conn.fd, { recvErrors: true })
  const calls = await recvCalls(t, conn)
  t.ok(calls < 100, `${calls} calls`)
})

t.test('each option is read once, even if its getter returns a different value each time', async (t) => {
  let reads = 0
  const options: OpenOptions = {
    get recvErrors() {
      reads += 1
      return reads === 1
    },
  }
  const conn = BatchConn.open(options)
  t.ok((await recvCalls(t, conn)) < 20)
  t.equal(reads, 1)
  t.equal(conn.takeErrors().length, 1)
})

const skip = process.getuid?.() === 0 ? false : 'a network namespace of its own needs root'

for (const way of ['onReadable', 'batches', 'recvBlocking']) {
  t.test(`a message above the MTU with recvErrors: one report, and no busy loop (${way})`, { skip }, async (t) => {
    const wrapper = ['unshare', '-n', 'sh', '-c', 'ip link set lo mtu 1500 up; exec "$0" "$@"']
    const { code, signal, stdout, stderr } = await runChild('oversized-message', { wrapper, args: [way] })
    t.same({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    const { failed, errors, calls } = JSON.parse(stdout)
    t.strictSame({ failed, errors }, { failed: ['EMSGSIZE'], errors: ['EMSGSIZE local'] })
    t.ok(calls < 20, `${calls} calls of recv`)
  })
}
