import { type Address, libc } from '../library.js'
import type { Strategy } from './strategy.js'

/** A strategy whose structures stay in one place, where `prepare` writes them. */
export function preparedInPlace(headers: Address, batch: number, prepare: () => void): Strategy {
  const { sendmmsg } = libc()
  return {
    prepare,
    prepareAndSend: (fd, flags) => {
      prepare()
      return sendmmsg(fd, headers, batch, flags)
    },
    inspect: (look) => {
      prepare()
      look(headers)
    },
  }
}
