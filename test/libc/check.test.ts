import { closeSync, existsSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import { check, lastErrno } from '../../src/libc/check.js'
import { ErrnoError } from '../../src/libc/errno-error.js'
import { koffi } from '../../src/libc/koffi.js'
import { libc } from '../../src/libc/libc.js'

const { EBADF, ENOTSOCK } = constants.errno

t.test('a non-negative result is returned', async (t) => {
  for (const result of [0, 1, 1024, 2 ** 31 - 1]) t.equal(check(result, 'sendmmsg'), result)
})

t.test('a negative result becomes an error with the errno of the call', async (t) => {
  const wanted = { code: 'EBADF', errno: -EBADF, syscall: 'close', message: 'close EBADF' }
  t.throws(() => check(libc().close(-1), 'close'), wanted)
  t.throws(() => check(libc().close(-1), 'close'), ErrnoError)
})

t.test('the details are properties of the error', async (t) => {
  const details = { address: '192.0.2.7', port: 53, index: 4 }
  t.throws(() => check(libc().close(-1), 'bind', details), { ...details, message: 'bind EBADF 192.0.2.7:53' })
})

t.test('errno is read directly from its memory: the value of the last failed call', async (t) => {
  const notSocket = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(notSocket))
  for (let round = 0; round < 5; round += 1) {
    t.equal(libc().close(-1), -1)
    t.equal(lastErrno(), EBADF)
    t.equal(koffi().errno(), EBADF, 'Koffi returns the same value')
    t.equal(libc().getsockname(notSocket, 0, 0), -1)
    t.equal(lastErrno(), ENOTSOCK)
  }
})

t.test('a successful call leaves errno unchanged: errno has no meaning then', async (t) => {
  libc().close(-1)
  const fd = libc().socket(2, 2, 0)
  t.equal(lastErrno(), EBADF)
  t.ok(fd >= 0)
  t.equal(libc().close(fd), 0)
})

t.test('any other call can overwrite errno, so it is read first', async (t) => {
  libc().close(-1)
  existsSync('/nonexistent')
  t.equal(lastErrno(), constants.errno.ENOENT)
})
