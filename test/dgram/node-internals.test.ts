import nodeDgram from 'node:dgram'
import t from 'tap'
import { runDueTicks } from '../../src/dgram/due-ticks.js'
import { isNodeHandle, stateOf } from '../../src/dgram/node-socket.js'
import { childJson } from '../support/child.js'

// What the drop-in takes from Node without a promise of Node's. If one of these fails with a new version of Node, see
// docs/dgram.md: sockets work as over node:dgram then, and only these tests show that they gain nothing.

t.test('a socket of this Node keeps its native handle in its state', async (t) => {
  const socket = nodeDgram.createSocket('udp4')
  t.teardown(() => socket.close())
  const state = stateOf(socket)
  t.ok(isNodeHandle(state?.handle), 'the state and the methods of the handle are known')
  t.strictSame([state?.bindState, state?.connectState], [0, 0])
})

t.test('ticks can be run between two messages', async (t) => {
  t.type(runDueTicks, 'function')
})

t.test('where the state is not known, sockets work as over node:dgram, and the process warns once', async (t) => {
  t.strictSame(await childJson('unknown-node'), {
    text: 'by node:dgram',
    size: 13,
    batching: false,
    warnings: ['BATCHCONN_DGRAM'],
  })
})
