import t from 'tap'
import { childJson } from '../support/child.js'

t.test('where a poll handle reports one event and stops, each wait is woken', async (t) => {
  t.strictSame(await childJson('one-shot-poll'), { readable: 3, onReadable: 3 })
})
