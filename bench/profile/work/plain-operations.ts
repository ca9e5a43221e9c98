import { crossings, nodeCrossings } from './crossings.js'
import type { Operation, Work } from './work.js'

/** The loop that the messages of a batch are filled in, with nothing in it. */
export class LoopOperation implements Operation {
  readonly mostAtOnce = Number.POSITIVE_INFINITY
  readonly #messages: number
  readonly #repeat: number
  #sum = 0

  constructor({ batch, repeat }: Extract<Work, { kind: 'loop' }>) {
    this.#messages = batch
    this.#repeat = repeat
  }

  ready(): void {}

  run(count: number): number {
    for (let turn = 0; turn < count * this.#repeat; turn += 1) {
      for (let message = 0; message < this.#messages; message += 1) this.#sum = (this.#sum + message) | 0
    }
    return 0
  }

  close(): void {}
}

/** A call across the FFI, or of a JavaScript function, and nothing else. */
export class CrossingOperation implements Operation {
  readonly mostAtOnce = Number.POSITIVE_INFINITY
  readonly #call: (turn: number) => number
  #sum = 0

  constructor({ by, function: name }: Extract<Work, { kind: 'crossing' }>) {
    this.#call = crossing(by, name)
  }

  ready(): void {}

  run(count: number): number {
    for (let turn = 0; turn < count; turn += 1) this.#sum = (this.#sum + this.#call(turn)) | 0
    return 0
  }

  close(): void {}
}

function crossing(by: 'javascript' | 'koffi' | 'node:ffi', name: 'sendmsg' | 'sendmmsg'): (turn: number) => number {
  if (by === 'javascript') return (turn) => turn & 1
  const { fourIntegers, threeIntegers } = by === 'koffi' ? crossings() : nodeCrossings()
  if (name === 'sendmmsg') {
    // Node's FFI wants a BigInt for 64 bits. Made once, so that only the passing is timed.
    const address = (by === 'koffi' ? SOME_ADDRESS : BigInt(SOME_ADDRESS)) as number
    return (turn) => fourIntegers(turn, address, 64, 0x4040)
  }
  const address = (by === 'koffi' ? SOME_ADDRESS : BigInt(SOME_ADDRESS)) as number
  return (turn) => Number(threeIntegers(turn, address, 0x4040))
}

/** As large as addresses are; nothing looks there. */
const SOME_ADDRESS = 0x7f12_3456_7000
