/** A DataView that records the range of all bytes read or written. */
export class GuardedView extends DataView<ArrayBuffer> {
  /** Lowest byte accessed so far. */
  lowest = Number.POSITIVE_INFINITY
  /** One past the highest byte accessed so far. */
  end = Number.NEGATIVE_INFINITY

  /** True if nothing outside `from` to `to` (excluded) was accessed. */
  stayedWithin(from: number, to: number): boolean {
    return this.lowest >= from && this.end <= to
  }

  #note(offset: number, byteLength: number): void {
    this.lowest = Math.min(this.lowest, offset)
    this.end = Math.max(this.end, offset + byteLength)
  }

  static {
    const accessors = Object.getOwnPropertyNames(DataView.prototype).filter((name) => /^[gs]et[A-Z]/.test(name))
    for (const name of accessors) {
      const original = Reflect.get(DataView.prototype, name) as (offset: number, ...rest: unknown[]) => unknown
      const byteLength = Number(/\d+$/.exec(name)) / 8
      const guarded = function (this: GuardedView, offset: number, ...rest: unknown[]): unknown {
        this.#note(offset, byteLength)
        return original.call(this, offset, ...rest)
      }
      Object.defineProperty(GuardedView.prototype, name, { value: guarded })
    }
  }
}
