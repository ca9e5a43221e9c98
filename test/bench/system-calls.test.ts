import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { deadEndpoint } from '../support/sockets.js'
import { benchJson, missing, tracedCalls } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

const MODES = ['sendmsg', 'sendmmsg', 'gso', 'sendmmsg+gso', 'dgram', 'batchconn-dgram']
/** Before the first round, one GSO send for each mode that requires it. */
const TRIALS = 2

const skip = missing('strace', '-f', '-o', '/dev/null', 'true')

t.test('strace counts the same system calls', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'batchconn-strace-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const counts = join(folder, 'counts')
  const { address, port } = deadEndpoint()
  const wrapper = ['strace', '-f', '-c', '-o', counts, '-e', 'trace=sendmsg,sendmmsg,poll']
  const line = `--to ${address}:${port} --no-control --omit 0 --rounds 2 --duration 0.1 --batch 8`
  const { results } = await benchJson('send', `${line} --segments 5 --mode ${MODES}`, { wrapper })
  const reported = (modes: string[]) =>
    results.filter(({ mode }) => modes.includes(mode)).reduce((sum, { systemCalls }) => sum + systemCalls, 0)
  const polls = results.reduce((sum, { wouldBlock }) => sum + wouldBlock, 0)
  t.equal(
    tracedCalls(counts, 'sendmmsg') + tracedCalls(counts, 'sendmsg') + tracedCalls(counts, 'poll'),
    reported(MODES) + TRIALS,
  )
  t.equal(tracedCalls(counts, 'poll'), polls)
  const batched = results.filter(({ mode }) => mode === 'sendmmsg')
  t.ok(batched.every(({ packets, systemCalls, wouldBlock }) => packets <= 8 * (systemCalls - wouldBlock)))
})
