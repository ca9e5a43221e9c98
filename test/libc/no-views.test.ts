import t from 'tap'
import { childJson } from '../support/child.js'

t.test('where the runtime allows no views of native memory, errors have their codes', async (t) => {
  t.strictSame(await childJson('no-views'), { none: 0, received: 1, code: 'EADDRINUSE' })
})
