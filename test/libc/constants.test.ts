import { constants as fsConstants } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import t from 'tap'
import * as constants from '../../src/libc/constants.js'

t.test('every errno is what Node says it is', async (t) => {
  const names = Object.keys(constants).filter((name) => /^E(?!POLL)[A-Z0-9]+$/.test(name))
  t.ok(names.length >= 9, 'there are some')
  for (const name of names) t.equal(getSystemErrorName(-Reflect.get(constants, name)), name)
})

t.test('the flags that sockets share with files are the same numbers', async (t) => {
  t.equal(constants.SOCK_NONBLOCK, fsConstants.O_NONBLOCK)
  t.equal(constants.EPOLL_CLOEXEC, constants.SOCK_CLOEXEC)
})
