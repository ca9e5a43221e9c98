/** Ends by itself after a wait was aborted by a signal that throws when its listener is removed: nothing is watched any longer. */
import { BatchConn } from '../../../src/index.js'

const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
const signal = {
  aborted: false,
  addEventListener: (_: string, listener: () => void) => setImmediate(listener),
  removeEventListener: () => {
    throw new Error('of the signal')
  },
}
const waiting = conn.readable({ signal: signal as never })
waiting.catch(({ message }: Error) => {
  if (message !== 'of the signal') throw new Error(message)
})
