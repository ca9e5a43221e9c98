import type { Libc } from '../../src/libc/libc.js'
import * as libcModule from '../../src/libc/libc.js'
import { RegisteredMemory } from './registered-memory.js'

/** The calls that the scripted kernel answers in place of the real one. */
export type MessageCalls = Pick<Libc, 'sendmsg' | 'sendmmsg' | 'recvmsg' | 'recvmmsg'>

/** A fault between the library and the scripted kernel, which the invariants must detect. */
export type Fault = (calls: MessageCalls) => Partial<MessageCalls>

let fault: Fault | undefined

/** Plants a fault into all kernels that are installed from now on; undefined removes it. */
export function plantFault(planted: Fault | undefined): void {
  fault = planted
}

/** All memory whose address the library has obtained since the case began. */
export const memory = new RegisteredMemory()

/** Lets a scripted kernel answer the library's message calls until `restore` is called. All other calls stay real. */
export function installKernel(calls: MessageCalls): { restore(): void } {
  const libc = libcModule.libc()
  const { sendmsg, sendmmsg, recvmsg, recvmmsg } = libc
  watchAddresses()
  memory.reset()
  Object.assign(libc, calls, fault?.(calls))
  return {
    restore: () => {
      Object.assign(libc, { sendmsg, sendmmsg, recvmsg, recvmmsg })
      setAddressOf(realAddressOf)
      memory.reset()
    },
  }
}

// The compiled module's exports are plain properties, which the other modules read at each call.
function watchAddresses(): void {
  const wrapper: typeof realAddressOf = (view) => {
    const address = realAddressOf(view)
    memory.register(view, address)
    return address
  }
  setAddressOf(wrapper)
  if (libcModule.addressOf !== wrapper) throw new Error('addressOf cannot be replaced in this build')
}

function setAddressOf(replacement: typeof realAddressOf): void {
  Reflect.set(libcModule, 'addressOf', replacement)
}

const realAddressOf = libcModule.addressOf
