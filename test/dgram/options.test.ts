import { once } from 'node:events'
import t from 'tap'
import dgram, { type SocketOptions } from '../../src/dgram/index.js'
import type { NetworkError } from '../../src/index.js'
import { bound, kernelThatAccepts, uncaught, until } from './support.js'

// Options and events of the drop-in that come from the core.

t.test('recvErrors: an ICMP error emits its own event, with destination, offender and payload', async (t) => {
  const socket = await bound(t, { recvErrors: true })
  const closed = await bound(t)
  const { port } = closed.address()
  closed.close()
  await once(closed, 'close')
  const errors: unknown[] = []
  socket.on('error', (error) => errors.push(error))
  const reported = once(socket, 'networkError')
  socket.send('to a closed port', port, '127.0.0.1')
  const [error] = (await reported) as [NetworkError]
  t.match(error, { code: 'ECONNREFUSED', origin: 'icmp', icmpType: 3, icmpCode: 3 })
  t.equal(String(error.destination), `127.0.0.1:${port}`)
  t.equal(error.offender?.address, '127.0.0.1')
  t.equal(error.payload.toString(), 'to a closed port')
  t.strictSame(errors, [], 'no error event is emitted')
  const heard = once(socket, 'message')
  socket.send('afterwards', socket.address().port, '127.0.0.1')
  t.equal(String((await heard)[0]), 'afterwards', 'the socket still sends and receives')
})

t.test('without recvErrors a bound socket reports nothing about a closed port, as with node:dgram', async (t) => {
  const socket = await bound(t)
  const events: string[] = []
  socket.on('error', () => events.push('error'))
  socket.on('networkError', () => events.push('networkError'))
  socket.send('x', 9, '127.0.0.1')
  const heard = once(socket, 'message')
  socket.send('y', socket.address().port, '127.0.0.1')
  await heard
  t.strictSame(events, [])
})

t.test('an exception in a networkError listener is uncaught, and the other listeners are still called', async (t) => {
  const socket = await bound(t, { recvErrors: true, gso: false })
  const seen: string[] = []
  const errors = uncaught(t)
  socket.on('networkError', (error) => {
    seen.push(error.payload.toString())
    if (seen.length === 1) throw new Error('in the listener')
  })
  socket.send('one', 9, '127.0.0.1')
  socket.send('two', 9, '127.0.0.1')
  await until(() => seen.length === 2 && errors.length === 1)
  t.strictSame(seen, ['one', 'two'])
})

t.test('rinfo has the time of arrival, the interface and the address', async (t) => {
  for (const type of ['udp4', 'udp6'] as const) {
    const socket = await bound(t, { type, recvTimestamps: true, recvDestination: true })
    const { address, port } = socket.address()
    const before = BigInt(Date.now()) * 1_000_000n
    const heard = once(socket, 'message')
    socket.send('x', port, address)
    const [, info] = await heard
    t.match(info, { destination: address, interfaceName: 'lo', interfaceIndex: 1 }, type)
    const age = info.timestampNs - before
    t.ok(age > -2_000_000n && age < 60_000_000_000n, `${age} ns after the send`)
  }
})

t.test('countDrops counts datagrams that the full receive buffer dropped', async (t) => {
  const socket = await bound(t, { countDrops: true, gro: false, recvBufferSize: 4096 })
  const sender = await bound(t, { gso: false })
  t.equal(socket.kernelDrops, 0)
  t.equal(sender.kernelDrops, undefined, 'without the option')
  let received = 0
  socket.on('message', () => {
    received += 1
  })
  for (let index = 0; index < 200; index += 1) sender.send(Buffer.alloc(1000), socket.address().port, '127.0.0.1')
  await until(() => received > 0 && received + (socket.kernelDrops ?? 0) === 200)
  t.ok((socket.kernelDrops ?? 0) > 0)
})

t.test('bindToDevice, tos and mtuDiscover are set on the descriptor', async (t) => {
  const root = process.getuid?.() === 0
  const options: Partial<SocketOptions> = { tos: 0x28, mtuDiscover: 'do', ...(root && { bindToDevice: 'lo' }) }
  const socket = await bound(t, options)
  const receiver = await bound(t, { recvTos: true })
  const heard = once(receiver, 'message')
  socket.send('x', receiver.address().port, '127.0.0.1')
  t.match((await heard)[1], { tos: 0x28 })
  const failed = new Promise((resolve) => socket.send(Buffer.alloc(65_507), 9, '127.0.0.1', resolve))
  t.ok((await failed) === null || (await failed) instanceof Error, 'the callback is called')
})

t.test('an option that the kernel rejects is an error of bind', async (t) => {
  const socket = dgram.createSocket({ type: 'udp4', bindToDevice: 'no-such-if' })
  const failed = once(socket, 'error')
  let isListening = false
  socket.on('listening', () => {
    isListening = true
  })
  socket.bind(0, '127.0.0.1')
  const [error] = await failed
  t.match(error, { syscall: 'bind', code: /ENODEV|EPERM/ })
  t.notOk(isListening)
  socket.close()
  await once(socket, 'close')
})

t.test('wrong values are rejected when the socket is created', async (t) => {
  const wrong: readonly [Partial<Record<keyof SocketOptions, unknown>>, string][] = [
    [{ gso: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ gro: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ recvErrors: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
    [{ bindToDevice: '' }, 'ERR_INVALID_ARG_VALUE'],
    [{ bindToDevice: 'a\0b' }, 'ERR_INVALID_ARG_VALUE'],
    [{ tos: 256 }, 'ERR_OUT_OF_RANGE'],
    [{ mtuDiscover: 'never' }, 'ERR_INVALID_ARG_VALUE'],
    [{ maxSegments: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ maxQueueBytes: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ maxQueueMessages: '5' }, 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [options, code] of wrong) {
    t.throws(() => dgram.createSocket({ type: 'udp4', ...options } as SocketOptions), { code }, JSON.stringify(options))
  }
})

t.test('each option is read once', async (t) => {
  const reads = new Map<string | symbol, number>()
  const options = new Proxy<SocketOptions>(
    { type: 'udp4', recvTtl: true, tos: 4, maxQueueMessages: 9 },
    {
      get: (target, name, receiver) => {
        reads.set(name, (reads.get(name) ?? 0) + 1)
        return Reflect.get(target, name, receiver)
      },
    },
  )
  const socket = dgram.createSocket(options)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  for (const name of ['gso', 'gro', 'recvTtl', 'recvErrors', 'countDrops', 'tos', 'maxQueueMessages', 'bindToDevice']) {
    t.equal(reads.get(name), 1, name)
  }
  socket.close()
})

t.test('backpressure: writableNeedDrain, drain, and the limits of the queue', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t, { gso: false, maxQueueMessages: 5 })
  let received = 0
  receiver.on('message', () => {
    received += 1
  })
  let drains = 0
  sender.on('drain', () => {
    drains += 1
  })
  const kernel = kernelThatAccepts(t, 2)
  const results: string[] = []
  const send = (count: number) => {
    for (let index = 0; index < count; index += 1) {
      sender.send('x', receiver.address().port, '127.0.0.1', (error) => {
        results.push(error === null ? 'sent' : String(Reflect.get(error, 'code')))
      })
    }
  }
  send(4)
  t.equal(sender.writableNeedDrain, false, 'true only after the tick')
  await until(() => received === 2)
  t.equal(sender.writableNeedDrain, true)
  t.equal(sender.getSendQueueCount(), 2)
  send(5)
  await until(() => results.length === 4)
  t.strictSame(results, ['sent', 'sent', 'ENOBUFS', 'ENOBUFS'], 'five messages are queued, two were rejected')
  kernel.left = 100
  await once(sender, 'drain')
  t.strictSame([sender.writableNeedDrain, sender.getSendQueueCount()], [false, 0])
  await until(() => received === 7 && results.length === 9)
  t.equal(drains, 1)
})

t.test('maxQueueBytes limits the queued bytes', async (t) => {
  const sender = await bound(t, { gso: false, maxQueueBytes: 1000 })
  kernelThatAccepts(t, 0)
  const codes: unknown[] = []
  const send = () =>
    sender.send(Buffer.alloc(600), 9, '127.0.0.1', (error) => codes.push(Reflect.get(error ?? {}, 'code')))
  for (let index = 0; index < 3; index += 1) send()
  await until(() => codes.length === 1)
  t.strictSame([codes, sender.getSendQueueSize()], [['ENOBUFS'], 1200], 'rejected from the limit on')
})

t.test('maxSegments limits the number of datagrams per GSO send', async (t) => {
  const receiver = await bound(t)
  const sender = await bound(t, { maxSegments: 4 })
  const sizes: number[] = []
  receiver.on('batch', (batch) => {
    for (let index = 0; index < batch.length; index += 1) sizes.push(batch.size(index))
  })
  for (let index = 0; index < 12; index += 1) sender.send(Buffer.alloc(100), receiver.address().port, '127.0.0.1')
  await until(() => sizes.reduce((sum, size) => sum + size, 0) === 1200)
  t.ok(Math.max(...sizes) <= 400, `sizes ${sizes}`)
})
