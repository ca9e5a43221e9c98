import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { constants } from 'node:os'
import t, { type Test } from 'tap'
import { BatchConn } from '../../src/index.js'
import { ErrnoError } from '../../src/libc/errno-error.js'

interface SystemError extends NodeJS.ErrnoException {
  readonly address?: string
  readonly port?: number
}

/** Returns Node's error for a bind to a used port. */
async function nodesBindError(t: Test, address: string): Promise<SystemError> {
  const type = address.includes(':') ? 'udp6' : 'udp4'
  const open = async (port: number): Promise<Socket> => {
    const socket = createSocket(type)
    t.teardown(() => socket.close())
    socket.bind(port, address)
    await once(socket, 'listening')
    return socket
  }
  const first = await open(0)
  return open(first.address().port).then(
    () => t.fail('the second bind succeeded') as never,
    (error: SystemError) => error,
  )
}

t.test("an ErrnoError has the fields and the message of Node's system errors", async (t) => {
  const theirs = await nodesBindError(t, '127.0.0.1')
  const { address, port } = theirs
  const ours = new ErrnoError(constants.errno.EADDRINUSE, 'bind', { address, port })
  for (const field of ['code', 'errno', 'syscall', 'address', 'port', 'message'] as const) {
    t.equal(ours[field], theirs[field], field)
  }
  t.ok(ours instanceof Error)
  t.same(Object.keys(ours).sort(), Object.keys(theirs).sort(), 'the same own properties')
})

t.test("a socket throws an error equal to Node's", async (t) => {
  const theirs = await nodesBindError(t, '127.0.0.1')
  const conn = BatchConn.open()
  t.teardown(() => conn.close())
  const { address, port } = theirs
  try {
    conn.bind({ address: address as string, port: port as number })
    t.fail('bind succeeded')
  } catch (error) {
    t.ok(error instanceof ErrnoError)
    t.same({ ...(error as ErrnoError) }, { ...theirs })
    t.equal((error as ErrnoError).message, theirs.message)
  }
})

t.test('an ErrnoError contains only the given details', async (t) => {
  const table: [error: ErrnoError, message: string, fields: object][] = [
    [new ErrnoError(9, 'sendmmsg'), 'sendmmsg EBADF', {}],
    [new ErrnoError(9, 'sendmmsg', {}), 'sendmmsg EBADF', {}],
    [new ErrnoError(9, 'sendmmsg', { address: undefined, port: undefined }), 'sendmmsg EBADF', {}],
    [new ErrnoError(9, 'sendmmsg', { index: 0 }), 'sendmmsg EBADF', { index: 0 }],
    [new ErrnoError(9, 'open', { address: 'eth0' }), 'open EBADF eth0', { address: 'eth0' }],
    [
      new ErrnoError(9, 'sendmsg', { address: '192.0.2.7', port: 53, index: 3 }),
      'sendmsg EBADF 192.0.2.7:53',
      { address: '192.0.2.7', port: 53, index: 3 },
    ],
    [
      new ErrnoError(9, 'bind', { address: '2001:db8::7', port: 53 }),
      'bind EBADF [2001:db8::7]:53',
      { address: '2001:db8::7', port: 53 },
    ],
  ]
  for (const [error, message, fields] of table) {
    t.equal(error.message, message)
    t.same({ ...error }, { code: 'EBADF', errno: -9, syscall: error.syscall, ...fields }, message)
  }
})

t.test('the name is in the stack trace and is no own property', async (t) => {
  const error = new ErrnoError(constants.errno.EPERM, 'sendmsg')
  t.equal(error.name, 'ErrnoError')
  t.match(error.stack, /^ErrnoError: sendmsg EPERM\n/)
  t.notOk(Object.hasOwn(error, 'name'))
})

t.test('an unknown errno is reported as a number', async (t) => {
  const error = new ErrnoError(9999, 'sendmsg')
  t.equal(error.errno, -9999)
  t.match(error.code, '9999')
})
