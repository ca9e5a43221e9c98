import t from 'tap'
import { childJson } from '../support/child.js'

interface Allocations {
  /** Bytes a message, by the name of the work. */
  readonly results: Record<string, number>
}

/** Less than one small object in a hundred messages. */
const NEXT_TO_NOTHING = 0.1

t.test('the hot path allocates nothing for a message', async (t) => {
  // Room for all that the largest of them allocates: nothing may be collected while it is counted.
  const flags = ['--max-semi-space-size=512', '--min-semi-space-size=512']
  const { results } = await childJson<Allocations>('allocation', { flags, timeoutMs: 120_000 })
  for (const [work, bytes] of Object.entries(results)) {
    if (!work.startsWith('control:')) t.ok(bytes < NEXT_TO_NOTHING, `${work}: ${bytes.toFixed(4)} bytes a message`)
  }
  t.ok(Object.keys(results).length >= 10, 'there was something to count')

  // The same count where there is something: it must not be blind.
  t.ok(results['control: an object a message'] >= 16, 'an object a message shows')
  t.ok(results['control: an object every 64 messages'] > NEXT_TO_NOTHING, 'even one a batch shows')
})
