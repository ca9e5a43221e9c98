import t from 'tap'
import { BatchConn, RecvBatch, SendBatch } from '../../src/index.js'
import { runChild } from '../support/child.js'
import { boundSocket } from '../support/sockets.js'

t.test('options with hidden properties are rejected: a signal, a Map, an object of a class', async (t) => {
  using conn = boundSocket()
  const { signal } = new AbortController()
  const wanted = { code: 'ERR_INVALID_ARG_TYPE' }
  await t.rejects(conn.readable(signal as never), wanted)
  await t.rejects(conn.writable(signal as never), wanted)
  await t.rejects(conn.sendAll(new SendBatch(), signal as never), wanted)
  t.throws(() => conn.batches(new RecvBatch(), signal as never), wanted)
  t.throws(() => new SendBatch(new Map([['capacity', 5]]) as never), wanted)
  t.throws(() => BatchConn.open(new (class Options {})() as never), wanted)
})

t.test('the signal of a polyfill is accepted', async (t) => {
  class AbortSignal extends EventTarget {
    aborted = false
    abort(): void {
      this.aborted = true
      this.dispatchEvent(new Event('abort'))
    }
  }
  using conn = boundSocket()
  const signal = new AbortSignal()
  const waiting = conn.readable({ signal: signal as never })
  setTimeout(() => signal.abort(), 5)
  await t.rejects(waiting, { name: 'AbortError' })
  await t.rejects(conn.readable({ signal: signal as never }), { name: 'AbortError' }, 'aborted before')
})

t.test('another listener that stops the abort event does not keep a wait', async (t) => {
  using conn = boundSocket()
  const controller = new AbortController()
  const reason = new Error('enough')
  controller.signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
  const waiting = conn.readable({ signal: controller.signal })
  controller.abort(reason)
  t.equal(await waiting.catch((error) => error), reason)
})

t.test('a signal that cannot remove a listener is rejected; one that throws leaves no wait', async (t) => {
  using conn = boundSocket()
  const signal = { aborted: false, addEventListener: () => {} }
  await t.rejects(conn.readable({ signal: signal as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  const { code, stderr } = await runChild('throwing-signal')
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
})

t.test('many waits on one signal: no warning, all rejected with the reason, no listener left', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.removeListener('warning', onWarning))
  const controller = new AbortController()
  const { signal } = controller
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    listeners += 1
    addEventListener.apply(signal, given)
  }
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    listeners -= 1
    removeEventListener.apply(signal, given)
  }
  const conns = Array.from({ length: 12 }, () => boundSocket())
  t.teardown(() => {
    for (const conn of conns) conn.close()
  })
  const waits = conns.map((conn) => conn.readable({ signal }).catch((error) => error))
  t.equal(listeners, 1)
  await new Promise((resolve) => setImmediate(resolve))
  const reason = new Error('enough')
  controller.abort(reason)
  t.ok((await Promise.all(waits)).every((error) => error === reason))
  t.equal(listeners, 0)
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(warnings, [])
})

t.test('null is not treated as undefined', async (t) => {
  const wanted = { name: /^(Type|Range)Error$/, code: /^ERR_/ }
  for (const name of ['capacity', 'slotBytes', 'coalesce', 'maxSegments']) {
    t.throws(() => new SendBatch({ [name]: null }), wanted, name)
  }
  for (const name of ['capacity', 'slotBytes', 'gro']) t.throws(() => new RecvBatch({ [name]: null }), wanted, name)
  for (const name of ['family', 'gso', 'gro', 'countDrops', 'recvErrors', 'recvTos', 'reusePort', 'ttl', 'txTime']) {
    t.throws(() => BatchConn.open({ [name]: null }), wanted, name)
  }
})

t.test('sockets can be created by open and adopt only', async (t) => {
  t.throws(() => Reflect.construct(BatchConn, []), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
  t.throws(() => Reflect.construct(BatchConn, [3, 'ipv4', {}]), { code: 'ERR_ILLEGAL_CONSTRUCTOR' })
})

t.test('a batch of another kind, a Proxy, or an object that inherits from a batch is rejected', async (t) => {
  using conn = boundSocket()
  const [out, inbox] = [new SendBatch(), new RecvBatch()]
  const wanted = { code: 'ERR_INVALID_ARG_TYPE' }
  for (const batch of [inbox, new Proxy(out, {}), Object.create(out), null, undefined, Symbol('batch')]) {
    t.throws(() => conn.send(batch as never), wanted)
    await t.rejects(conn.sendAll(batch as never), wanted)
  }
  for (const batch of [out, new Proxy(inbox, {}), Object.create(inbox), null, undefined, Symbol('batch')]) {
    t.throws(() => conn.recv(batch as never), wanted)
    t.throws(() => conn.onReadable(batch as never, () => {}), wanted)
  }
  class Liar extends SendBatch {
    override get length(): number {
      return 1_000_000
    }
    override get sent(): number {
      return 500_000
    }
  }
  const liar = new Liar({ capacity: 1 })
  liar.append('x', conn.localAddress)
  t.equal(conn.send(liar), 1, 'overridden methods of a subclass do not affect what is sent')
})
