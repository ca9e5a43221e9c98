import { SOCKADDR_STORAGE_BYTES } from '../libc/constants.js'
import { Arena } from './arena.js'

/**
 * Returns this thread's memory for calls outside the hot path: socket addresses, option values. Its content is valid until the
 * next use, so no code here may wait.
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
