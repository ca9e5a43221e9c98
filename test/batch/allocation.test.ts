import t from 'tap'
import { childJson } from '../support/child.js'

interface Allocations {
  /** Allocated bytes per message, by the name of the work. */
  readonly results: Record<string, number>
}

/** Less than one small object per 100 messages. */
const NEXT_TO_NOTHING = 0.1

t.test('the hot path allocates no memory per message', async (t) => {
  // A young generation that holds all that the largest program allocates: a collection during the measurement would
  // hide allocations.
  const flags = ['--max-semi-space-size=512', '--min-semi-space-size=512']
  const { results } = await childJson<Allocations>('allocation', { flags, timeoutMs: 120_000 })
  for (const [work, bytes] of Object.entries(results)) {
    if (!work.startsWith('control:')) t.ok(bytes < NEXT_TO_NOTHING, `${work}: ${bytes.toFixed(4)} bytes per message`)
  }
  t.ok(Object.keys(results).length >= 10, 'at least ten kinds of work are measured')

  // Controls with known allocations: the measurement must detect them.
  t.ok(results['control: one object per message'] >= 16, 'one object per message is detected')
  t.ok(results['control: one object per 64 messages'] > NEXT_TO_NOTHING, 'one object per batch is detected')
})
