import { availableParallelism } from 'node:os'
import { delimiter } from 'node:path'
import t from 'tap'
import { sampleCases } from '../ends/cases.js'
import { versionOf } from '../ends/node-version.js'
import { schedule } from '../ends/schedule.js'
import { slowNetwork } from '../ends/slow-network.js'

// `npx ts-node test/ends/run.ts` runs all cases, each as often as its option says.
const TIMES = { worker: 2, main: 1 }

/** Paths of further Node versions, separated as in PATH. */
const MORE_NODES = (process.env.BATCHCONN_TEST_NODES ?? '').split(delimiter).filter(Boolean)

t.setTimeout(240_000 * (1 + MORE_NODES.length))

const network = slowNetwork('ends')
t.teardown(() => typeof network !== 'string' && network.down())

for (const node of [process.execPath, ...MORE_NODES]) {
  const version = versionOf(node)
  const setting = { node, times: TIMES, atOnce: 2, slowNetwork: network }
  const scheduled = schedule(sampleCases(), setting, { jobs: availableParallelism(), shareProcess: true })
  for (const { case: one, result } of scheduled) {
    const skip = one.needsSlowDevice && typeof network === 'string' && network
    t.test(`${version} ${one.name}`, { skip }, async (t) => {
      const { problems, times } = await result
      t.same(problems, {}, 'other threads continue, and no resource is left')
      t.equal(times, one.thread === 'main' ? TIMES.main : TIMES.worker)
    })
  }
}
