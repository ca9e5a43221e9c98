import { koffi } from '../../src/libc/koffi.js'
import { type Libc, libc as loadLibc } from '../../src/libc/libc.js'
import { RegisteredMemory } from './registered-memory.js'

/** The calls that the scripted kernel answers in place of the real one. */
export type MessageCalls = Pick<Libc, 'sendmsg' | 'sendmmsg' | 'recvmsg' | 'recvmmsg'>

/** A fault between the library and the scripted kernel, which the invariants must detect. */
export type Fault = (calls: MessageCalls) => Partial<MessageCalls>

let fault: Fault | undefined

/** Injects a fault into all kernels that are installed from now on; undefined removes it. */
export function injectFault(injected: Fault | undefined): void {
  fault = injected
}

/** All memory whose address the library has obtained since the beginning of the case. */
export const memory = new RegisteredMemory()

/** Makes a scripted kernel answer the library's message calls until `restore` is called. All other calls are real. */
export function installKernel(calls: MessageCalls): { restore(): void } {
  const libc = loadLibc()
  const { sendmsg, sendmmsg, recvmsg, recvmmsg } = libc
  watchAddresses()
  memory.reset()
  Object.assign(libc, calls, fault?.(calls))
  return {
    restore: () => {
      Object.assign(libc, { sendmsg, sendmmsg, recvmsg, recvmmsg })
      setAddress(realAddress)
      memory.reset()
    },
  }
}

// Koffi's `address` is the only function through which the library obtains native addresses.
function watchAddresses(): void {
  setAddress((view: ArrayBufferView) => {
    const address: unknown = Reflect.apply(realAddress, undefined, [view])
    memory.register(view, Number(address))
    return address
  })
}

function setAddress(replacement: unknown): void {
  if (!Reflect.set(koffi(), 'address', replacement)) throw new Error("Koffi's address cannot be replaced")
}

const realAddress = koffi().address
