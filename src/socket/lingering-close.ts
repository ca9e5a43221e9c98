import * as timers from 'node:timers'
import { EPOLLERR, SO_ERROR, SOL_SOCKET } from '../libc/constants.js'
import { reactor } from '../loop/reactor.js'
import type { OwnedDescriptor } from './descriptor-owner.js'
import { integerOption } from './option.js'
import { PAUSE_MS } from './release-wait.js'
import type { ZeroCopy } from './zero-copy.js'

/**
 * Closes a descriptor once the kernel reads no memory of its zero-copy sends any longer, or after `LINGER_MS`. A closed
 * descriptor reports no completions, so from then on the memory stays referenced until the thread ends.
 */
export function closeWhenReleased(owner: OwnedDescriptor, zeroCopy: ZeroCopy | undefined, lingerMs = LINGER_MS): void {
  if (zeroCopy === undefined) {
    owner.close()
    return
  }
  const { sends } = zeroCopy
  if (sends.inFlight > 0 && sends.lossReason === undefined) zeroCopy.drain()
  if (sends.inFlight === 0 || sends.lossReason !== undefined) {
    owner.close()
    return
  }
  let pause: NodeJS.Timeout | undefined
  const finish = () => {
    clearTimeout(timer)
    clearTimeout(pause)
    watch.close()
    if (sends.inFlight > 0) sends.lose(`the socket was closed ${lingerMs} ms ago`)
    owner.close()
  }
  const watch = reactor().watch(owner.fd, EPOLLERR, () => {
    const before = sends.inFlight
    try {
      zeroCopy.drain()
      // Reading a stored ICMP error clears it. The event would repeat otherwise.
      integerOption(owner.fd, SOL_SOCKET, SO_ERROR)
    } catch (error) {
      sends.lose(`the error queue cannot be read: ${error}`)
    }
    if (sends.inFlight === 0 || sends.lossReason !== undefined) finish()
    else if (sends.inFlight === before) {
      // After shutdown(2) elsewhere, EPOLLHUP repeats at once.
      watch.pause()
      pause = setTimeout(() => watch.resume(), PAUSE_MS)
      if (!sends.isAwaited) pause.unref()
    }
  })
  // The process can end meanwhile: its pages stay intact in the kernel.
  const setAwaited = (isAwaited: boolean) => {
    if (isAwaited) watch.ref()
    else watch.unref()
  }
  setAwaited(sends.isAwaited)
  sends.onAwaited = setAwaited
  const timer = setTimeout(finish, lingerMs)
  timer.unref()
}

/** Maximum time for which a closed socket keeps its descriptor, and its port, in milliseconds. */
const LINGER_MS = 10_000

// Captured at load, so that fake timers installed later cannot keep the descriptor open.
const { setTimeout, clearTimeout } = timers
