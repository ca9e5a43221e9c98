import { once } from 'node:events'
import { BlockList } from 'node:net'
import { cases } from '../case.js'
import type { Trial } from '../trial.js'

const NO_LISTS = [null, 0, 1, '', 'list', {}, [], true]

// A version of Node before these options ignores them: on that version, the module under test must do the same.
export const newer = [
  ...cases('reusePort', {
    'two sockets share a port': (t) => sharePort(t, true, true),
    'the second alone does not share': (t) => sharePort(t, false, true),
    'any truthy value switches it on': (t) => sharePort(t, 1, 'yes'),
  }),
  ...cases('block lists', {
    'that are no block lists': (t) => {
      for (const list of NO_LISTS) {
        t.attempt(`receive ${JSON.stringify(list)}`, () => t.plain({ type: 'udp4', receiveBlockList: list }))
        t.attempt(`send ${JSON.stringify(list)}`, () => t.plain({ type: 'udp4', sendBlockList: list }))
      }
    },
    'of senders': async (t) => {
      const socket = await t.bound({ type: 'udp4', receiveBlockList: blocked('127.0.0.2') })
      for (const address of ['127.0.0.2', '127.0.0.3']) {
        const sender = t.socket('udp4', address).bind(0, address)
        await once(sender, 'listening')
        sender.send(`from ${address}`, socket.address().port, '127.0.0.1', t.callback(address))
        await t.settle()
      }
    },
    'of receivers': async (t) => {
      const socket = await t.bound({ type: 'udp4', sendBlockList: blocked('127.0.0.2') })
      for (const address of ['127.0.0.2', '127.0.0.3']) {
        socket.send('x', 9, address, t.callback(address))
        await t.seen(address)
      }
      t.attempt('connect', () => socket.connect(9, '127.0.0.2', t.callback('connect')))
      await t.settle()
    },
  }),
]

function blocked(address: string): BlockList {
  const list = new BlockList()
  list.addAddress(address)
  return list
}

async function sharePort(t: Trial, first: unknown, second: unknown): Promise<void> {
  const one = await t.bound({ type: 'udp4', reusePort: first }, 'first')
  t.socket({ type: 'udp4', reusePort: second }, 'second').bind(one.address().port, '127.0.0.1')
  await t.settle()
}
