import t from 'tap'
import { childJson } from '../support/child.js'

t.test('where the runtime has no poll, waiting throws, and everything else works', async (t) => {
  const code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
  t.strictSame(await childJson('no-poll'), { received: 1, codes: [code, code, code], text: 'plain', batching: false })
})
