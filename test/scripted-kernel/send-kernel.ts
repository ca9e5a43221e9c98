import { EPERM, MSG_DONTWAIT, MSG_NOSIGNAL } from '../../src/libc/constants.js'
import { libc } from '../../src/libc/libc.js'
import { MMSGHDR } from './abi.js'
import { type Outgoing, readOutgoing, type SocketFacts } from './outgoing.js'
import type { RegisteredMemory } from './registered-memory.js'
import { ACCEPT, type Answer, NOTHING, type SendScript } from './send-script.js'
import { expect, Violation } from './violation.js'

/** A message, or a whole call, that was rejected. */
export interface Refusal {
  readonly answer: Answer
  /** The message; undefined if the whole call was rejected. */
  readonly message: Outgoing | undefined
  /** False if messages before it were accepted in the same call, which then returns their number only. */
  readonly isVisible: boolean
}

/** Records the headers passed to the kernel, and its answers. */
export interface SendObserver {
  /** Called at the beginning of a call. */
  called(socket: SocketFacts): void
  /** Called for each header of the call. */
  shown(message: Outgoing, socket: SocketFacts): void
  accepted(message: Outgoing): void
  refused(refusal: Refusal, socket: SocketFacts): void
}

/** Scripted sendmsg(2) and sendmmsg(2). */
export class SendKernel {
  script: SendScript
  observer: SendObserver
  readonly #memory: RegisteredMemory
  readonly #sockets: ReadonlyMap<number, SocketFacts>

  constructor(
    memory: RegisteredMemory,
    sockets: ReadonlyMap<number, SocketFacts>,
    script: SendScript,
    observer: SendObserver,
  ) {
    this.#memory = memory
    this.#sockets = sockets
    this.script = script
    this.observer = observer
  }

  sendmsg(fd: number, header: number, flags: number): number {
    const socket = this.#begin(fd, flags)
    const message = this.#read(header, socket)
    const answer = this.script.answer(message, socket)
    // sendmsg returns a number of bytes, which is 0 for an empty message.
    if (answer !== ACCEPT && answer !== NOTHING) return this.#refuse({ answer, message, isVisible: true }, socket)
    this.observer.accepted(message)
    return message.byteLength
  }

  sendmmsg(fd: number, headers: number, count: number, flags: number): number {
    const socket = this.#begin(fd, flags)
    expect(count >= 1, () => `sendmmsg of ${count} messages`)
    const taken = Math.min(count, MAX_MESSAGES)
    const messages = Array.from({ length: taken }, (_, index) => this.#read(headers + index * MMSGHDR.bytes, socket))
    const whole = this.script.batchedCallAnswer
    if (whole !== 0) return this.#refuse({ answer: whole, message: undefined, isVisible: true }, socket)
    for (const [index, message] of messages.entries()) {
      const answer = this.script.answer(message, socket)
      if (answer === ACCEPT) {
        this.#memory.writeWord(headers + index * MMSGHDR.bytes + MMSGHDR.length, message.byteLength, 'msg_len')
        this.observer.accepted(message)
        continue
      }
      const result = this.#refuse({ answer, message, isVisible: index === 0 }, socket)
      return index === 0 ? result : index
    }
    return taken
  }

  #begin(fd: number, flags: number): SocketFacts {
    const socket = this.#sockets.get(fd)
    if (socket === undefined) throw new Violation(`a send on descriptor ${fd}, which is no socket of the case`)
    expect(flags === (MSG_DONTWAIT | MSG_NOSIGNAL), () => `flags are 0x${flags.toString(16)}`)
    this.observer.called(socket)
    return socket
  }

  #read(header: number, socket: SocketFacts): Outgoing {
    this.#memory.bytes(header, MMSGHDR.bytes, 'mmsghdr')
    const message = readOutgoing(this.#memory, header, socket)
    this.observer.shown(message, socket)
    return message
  }

  #refuse(refusal: Refusal, socket: SocketFacts): number {
    this.observer.refused(refusal, socket)
    const { answer, isVisible } = refusal
    // A call that returns a count leaves errno unchanged: the library must not read it then.
    libc().errno[0] = answer === NOTHING || !isVisible ? EPERM : answer
    return answer === NOTHING ? 0 : -1
  }
}

/** sendmmsg(2) accepts at most this many messages, without an error (UIO_MAXIOV). */
const MAX_MESSAGES = 1024
