import * as c from '../libc/constants.js'
import { structs } from '../libc/structs.js'
import { ControlCursor } from './control.js'

/** Reads the `sock_extended_err` of messages from an error queue (ip(7), IP_RECVERR). Allocates nothing. */
export class ErrorReport {
  readonly #view: DataView
  readonly #cursor: ControlCursor
  readonly #layout = structs().sockExtendedErr
  #offset = -1
  #byteLength = 0

  constructor(view: DataView) {
    this.#view = view
    this.#cursor = new ControlCursor(view)
  }

  /** Finds the report among the control messages in `byteLength` bytes at `offset`. Without one, all fields are 0. */
  find(offset: number, byteLength: number): void {
    const cursor = this.#cursor
    this.#offset = -1
    this.#byteLength = 0
    cursor.reset(offset, byteLength)
    while (cursor.next()) {
      const isReport =
        (cursor.level === c.IPPROTO_IP && cursor.type === c.IP_RECVERR) ||
        (cursor.level === c.IPPROTO_IPV6 && cursor.type === c.IPV6_RECVERR)
      if (!isReport || cursor.dataBytes < this.#layout.bytes) continue
      this.#offset = cursor.dataOffset
      this.#byteLength = cursor.dataBytes
      return
    }
  }

  get isFound(): boolean {
    return this.#offset >= 0
  }

  get errno(): number {
    return this.#word(this.#layout.errno)
  }

  get origin(): number {
    return this.#byte(this.#layout.origin)
  }

  get type(): number {
    return this.#byte(this.#layout.type)
  }

  get code(): number {
    return this.#byte(this.#layout.code)
  }

  get info(): number {
    return this.#word(this.#layout.info)
  }

  get data(): number {
    return this.#word(this.#layout.data)
  }

  /** Offset of the sockaddr that follows the report: the host that reported the error. */
  get offenderOffset(): number {
    return this.#offset + this.#layout.bytes
  }

  /** Number of bytes of that sockaddr. */
  get offenderBytes(): number {
    return this.isFound ? this.#byteLength - this.#layout.bytes : 0
  }

  #byte(member: number): number {
    return this.isFound ? this.#view.getUint8(this.#offset + member) : 0
  }

  #word(member: number): number {
    return this.isFound ? this.#view.getUint32(this.#offset + member, true) : 0
  }
}
