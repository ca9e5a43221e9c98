import { constants as fsConstants } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import t from 'tap'
import * as constants from '../../src/libc/constants.js'

t.test('every errno has the value that Node reports', async (t) => {
  const names = Object.keys(constants).filter((name) => /^E(?!POLL)[A-Z0-9]+$/.test(name))
  t.ok(names.length >= 9, 'there are several')
  for (const name of names) t.equal(getSystemErrorName(-Reflect.get(constants, name)), name)
})

t.test('flags shared by sockets and files have the same values', async (t) => {
  t.equal(constants.SOCK_NONBLOCK, fsConstants.O_NONBLOCK)
  t.equal(constants.EPOLL_CLOEXEC, constants.SOCK_CLOEXEC)
})
