import t from 'tap'
import { childJson } from '../support/child.js'

t.test(
  'globals that are replaced after the import, and a frozen Error.prototype before it, change nothing',
  async (t) => {
    t.strictSame(await childJson('replaced-globals'), {
      name: 'ErrnoError',
      received: 0,
      text: 'reference',
      uncaught: 'of a callback',
    })
  },
)
