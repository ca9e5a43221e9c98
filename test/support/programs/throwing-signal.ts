/** Ends by itself after a wait whose signal throws when the listener is removed: nothing is watched any longer. */
import { BatchConn, SendBatch } from '../../../src/index.js'

const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
const signal = {
  aborted: false,
  addEventListener: () => {},
  removeEventListener: () => {
    throw new Error('of the signal')
  },
}
const waiting = conn.readable({ signal: signal as never })
const out = new SendBatch()
out.append('x', conn.localAddress)
conn.send(out)
waiting.catch(({ message }: Error) => {
  if (message !== 'of the signal') throw new Error(message)
})
