import t from 'tap'
import { runChild } from '../support/child.js'

async function lines(scenario: string): Promise<string[]> {
  const { code, signal, stderr, stdout } = await runChild('event-loop', { args: [scenario] })
  t.same({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, scenario)
  return stdout.split('\n').filter(Boolean)
}

t.test('each worker has its own event loop, which is closed when the worker ends', async (t) => {
  t.same(await lines('workers that end'), [
    ...new Array(4).fill('worker received to itself'),
    'descriptors left behind: 0',
  ])
})

t.test('workers are terminated while they wait, and the parent continues', async (t) => {
  t.same(await lines('workers terminated while they wait'), new Array(3).fill('worker received to itself'))
})

t.test('the last worker that has Koffi loaded is terminated while it waits', async (t) => {
  const { code, signal, stdout } = await runChild('terminated-worker')
  t.same({ code, signal, stdout: stdout.trim() }, { code: 0, signal: null, stdout: 'terminated' })
})
