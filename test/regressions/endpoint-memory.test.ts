import { inspect } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { endpoint, RecvBatch, SendBatch } from '../../src/index.js'
import { boundSocket, drain } from '../support/sockets.js'

/** Returns every ArrayBuffer reachable from a value, as helpers collect them for a transfer list. */
function buffersIn(value: unknown, found = new Set<ArrayBuffer>(), seen = new Set<unknown>()): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [...found]
  seen.add(value)
  if (value instanceof ArrayBuffer) found.add(value)
  else if (ArrayBuffer.isView(value) && !Buffer.isBuffer(value)) buffersIn(value.buffer, found, seen)
  else for (const key of Reflect.ownKeys(value)) buffersIn(Reflect.get(value, key), found, seen)
  return [...found]
}

t.test('an endpoint has no memory that could be transferred', async (t) => {
  using receiver = boundSocket()
  using alice = boundSocket()
  using bob = boundSocket()
  const say = (from: typeof alice, text: string) => {
    const out = new SendBatch({ capacity: 1 })
    out.append(text, receiver.localAddress)
    from.send(out)
  }
  const inbox = new RecvBatch()
  say(alice, 'from alice')
  receiver.recv(inbox)
  const known = inbox.source(0)
  t.strictSame(buffersIn(known), [])
  const copy = [...inbox][0].copy()
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(copy, buffersIn(copy))
  port1.close()
  port2.close()
  say(bob, 'from bob')
  receiver.recv(inbox)
  t.equal(inbox.source(0)?.port, bob.localAddress.port)

  const out = new SendBatch()
  out.append('for alice', known)
  receiver.send(out)
  t.strictSame(
    drain(alice).map(({ text }) => text),
    ['for alice'],
  )
  t.strictSame(drain(bob), [])
})

t.test('an endpoint cannot be changed, forged or constructed', async (t) => {
  const peer = endpoint({ address: '127.0.0.1', port: 9 })
  t.ok(Object.isFrozen(peer))
  const out = new SendBatch()
  const wanted = { code: 'ERR_INVALID_ARG_TYPE' }
  t.throws(() => out.append('x', new Proxy(peer, {})), wanted, 'a Proxy')
  t.throws(() => out.append('x', Object.create(peer)), wanted, 'an object that inherits from an endpoint')
  t.throws(() => out.append('x', { ...peer } as never), wanted, 'a copy')
  t.throws(() => Reflect.construct(peer.constructor, [new Uint32Array(1000), 'ipv4', 9]), {
    code: 'ERR_ILLEGAL_CONSTRUCTOR',
  })
  t.equal(out.length, 0)
  t.throws(() => peer.equals({} as never), wanted)
  t.throws(() => peer.equals(undefined as never), wanted)
  t.notMatch(inspect(peer, { showHidden: true, depth: 9 }), /Uint32Array/)
})
