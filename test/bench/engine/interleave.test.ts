import t from 'tap'
import { interleave } from '../../../bench/engine/rounds.js'
import { seededRandom } from '../../../bench/stats/random.js'

const plan = (rounds: number, signal = new AbortController().signal) => ({
  itemsOf: () => ['a', 'b', 'c'],
  isOver: (done: number) => done === rounds,
  random: seededRandom(3),
  signal,
})

t.test('every item once per round, in an order of its own', async (t) => {
  const done: string[] = []
  const end = await interleave(plan(20), async (item, round) => {
    done.push(`${round} ${item}`)
  })
  t.strictSame(end, { rounds: 20, error: undefined })
  t.equal(new Set(done).size, 60)
  const firsts = new Set(done.filter((_, index) => index % 3 === 0).map((text) => text.split(' ')[1]))
  t.equal(firsts.size, 3)
})

t.test('an error ends it, with the number of complete rounds', async (t) => {
  let count = 0
  const end = await interleave(plan(20), async () => {
    count += 1
    if (count === 8) throw new Error('the receiver ended')
  })
  t.match(end, { rounds: 2, error: { message: 'the receiver ended' } })
})

t.test('so does the signal, whose reason counts more than its consequences', async (t) => {
  const controller = new AbortController()
  const end = await interleave(plan(20, controller.signal), async (_, round) => {
    if (round < 3) return
    controller.abort(new Error('interrupted'))
    throw new Error('a child ended')
  })
  t.match(end, { rounds: 2, error: { message: 'interrupted' } })
})
