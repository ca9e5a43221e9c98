import nodeDgram from 'node:dgram'
import t from 'tap'
import { runDueTicks } from '../../src/dgram/due-ticks.js'
import { isNodeHandle, stateOf } from '../../src/dgram/node-socket.js'
import { childJson, runChild } from '../support/child.js'

// Undocumented parts of Node that the drop-in uses. If one of these tests fails with a new version of Node, see
// docs/dgram.md: sockets then work as with node:dgram, and only these tests show that they do not batch.

t.test('a socket of this Node version keeps its native handle in its state', async (t) => {
  const socket = nodeDgram.createSocket('udp4')
  t.teardown(() => socket.close())
  const state = stateOf(socket)
  t.ok(isNodeHandle(state?.handle), 'the state and the methods of the handle are as expected')
  t.strictSame([state?.bindState, state?.connectState], [0, 0])
})

t.test('ticks can be run between two messages', async (t) => {
  t.type(runDueTicks, 'function')
})

t.test('the internals cause no deprecation warning of Node', async (t) => {
  const options = { flags: ['--pending-deprecation'], args: ['handled'] }
  const { code, stderr } = await runChild('throwing-tick', options)
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
})

t.test('with unknown internals, sockets work as with node:dgram, and the process warns once', async (t) => {
  t.strictSame(await childJson('unknown-node'), {
    text: 'by node:dgram',
    size: 13,
    batching: false,
    warnings: ['BATCHCONN_DGRAM'],
  })
})

t.test('without Koffi, sockets work as with node:dgram, and the process warns once, with the cure', async (t) => {
  const { text, batching, warnings } = (await childJson('no-koffi')) as Record<string, unknown>
  t.strictSame([text, batching], ['plain', false])
  t.match(warnings, [/install the package koffi; if you use a bundler, mark koffi as external/])
  t.equal((warnings as string[]).length, 1)
})
