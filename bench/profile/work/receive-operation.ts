import { BatchConn, BatchedCalls, type Libc, libc, RecvBatch, receive, SendBatch } from '../library.js'
import { crossings } from './crossings.js'
import type { Operation, ReceiveCall, Work } from './work.js'

/** Takes datagrams that wait in the socket's buffer. They are put there, untimed, from a socket of the same process. */
export class ReceiveOperation implements Operation {
  readonly mostAtOnce: number
  readonly #inbox: RecvBatch
  readonly #receiver: BatchConn
  readonly #sender: BatchConn
  readonly #supply: SendBatch
  readonly #messages: number
  readonly #repeat: number
  readonly #sizeBytes: number
  readonly #isSupplied: boolean
  readonly #take: () => number
  #waiting = 0

  constructor(work: Extract<Work, { kind: 'receive' }>) {
    const { batch, repeat, sizeBytes, call } = work
    this.#messages = batch
    this.#repeat = repeat
    this.#sizeBytes = sizeBytes
    this.#isSupplied = call === 'kernel' || call === 'library'
    this.mostAtOnce = this.#isSupplied
      ? Math.max(1, Math.floor(MOST_WAITING / (batch * repeat)))
      : Number.POSITIVE_INFINITY
    this.#receiver = BatchConn.open({ receiveBufferBytes: BUFFER_BYTES }).bind({ address: '127.0.0.1', port: 0 })
    this.#sender = BatchConn.open({ sendBufferBytes: BUFFER_BYTES }).connect(this.#receiver.localAddress)
    this.#supply = new SendBatch({ capacity: SUPPLY_MESSAGES, slotBytes: Math.max(1, sizeBytes) })
    this.#inbox = new RecvBatch({ capacity: batch, slotBytes: SLOT_BYTES })
    this.#take = taking(call, work.function, this.#receiver, this.#inbox)
  }

  ready(count: number): void {
    if (!this.#isSupplied) return
    const wanted = count * this.#repeat * this.#messages
    while (this.#waiting < wanted) {
      this.#supply.clear()
      const some = Math.min(SUPPLY_MESSAGES, wanted - this.#waiting)
      for (let message = 0; message < some; message += 1) this.#supply.reserve(this.#sizeBytes)
      this.#waiting += this.#sender.send(this.#supply)
    }
  }

  run(count: number): number {
    const total = count * this.#repeat
    let taken = 0
    for (let turn = 0; turn < total; turn += 1) taken += this.#take()
    const wanted = total * this.#messages
    if (this.#isSupplied) this.#waiting = Math.max(0, this.#waiting - wanted)
    return wanted - taken
  }

  close(): void {
    this.#receiver.close()
    this.#sender.close()
  }
}

function taking(call: ReceiveCall, name: 'recvmsg' | 'recvmmsg', conn: BatchConn, inbox: RecvBatch): () => number {
  const { capacity, slots } = inbox
  if (call === 'library') return () => conn.recv(inbox)
  if (call === 'none') {
    return () => {
      slots.prepare()
      slots.fill(capacity)
      return capacity
    }
  }
  const { recvmsg, recvmmsg } = systemCall(call)
  const single: Libc['recvmsg'] =
    name === 'recvmsg' ? recvmsg : (fd, _message, flags) => recvmmsg(fd, slots.headersAddress, 1, flags, 0)
  const standIn: Libc = { ...libc(), recvmsg: single, recvmmsg }
  const calls = new BatchedCalls(standIn, conn.fd)
  return () => receive(calls, slots)
}

function systemCall(call: Exclude<ReceiveCall, 'none' | 'library'>): Pick<Libc, 'recvmsg' | 'recvmmsg'> {
  const real = libc()
  switch (call) {
    case 'pretend':
      return { recvmsg: () => 0, recvmmsg: (_fd, _messages, count) => count }
    case 'crossing': {
      const { threeIntegers, fiveIntegers } = crossings()
      return {
        recvmsg: (fd, message, flags) => {
          threeIntegers(fd, message, flags)
          return 0
        },
        recvmmsg: (fd, messages, count, flags, timeout) => {
          fiveIntegers(fd, messages, count, flags, timeout)
          return count
        },
      }
    }
    case 'entry':
      return {
        recvmsg: (fd, message, flags) => real.recvmmsg(fd, message, 0, flags, 0),
        recvmmsg: (fd, messages, count, flags, timeout) => {
          real.recvmmsg(fd, messages, 0, flags, timeout)
          return count
        },
      }
    case 'kernel':
      return { recvmsg: real.recvmsg, recvmmsg: real.recvmmsg }
  }
}

const SLOT_BYTES = 2048
const SUPPLY_MESSAGES = 64
/** A waiting datagram of up to 1472 bytes takes about 2.3 KiB of the buffer, of which the kernel grants twice the wish. */
const MOST_WAITING = 4096
const BUFFER_BYTES = 16 * 2 ** 20
