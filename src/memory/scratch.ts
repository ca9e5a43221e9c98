import { SOCKADDR_STORAGE_BYTES } from '../libc/constants.js'
import { Arena } from './arena.js'

/**
 * This thread's memory for calls outside the hot path: socket addresses, option values. Its content is good only until
 * the next use, which is why nothing here ever waits.
 */
export function scratch(): Scratch {
  arena ??= new Arena({
    address: SOCKADDR_STORAGE_BYTES,
    length: 4,
    value: 8 + 2 * SOCKADDR_STORAGE_BYTES,
    text: 64,
  })
  return arena
}

export type Scratch = Arena<'address' | 'length' | 'value' | 'text'>

let arena: Scratch | undefined
