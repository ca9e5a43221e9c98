import { runInNewContext } from 'node:vm'

/** ES2024; Node 20 and newer have it. */
type Resizable = new (byteLength: number, options: { maxByteLength: number }) => ArrayBuffer

/** A view whose memory was transferred away. */
function detached(): Uint8Array {
  const view = new Uint8Array(8)
  structuredClone(view, { transfer: [view.buffer] })
  return view
}

/** A Proxy whose traps all throw. */
function hostileProxy(of: object): object {
  const fail = () => {
    throw new Error('the trap of a caller')
  }
  return new Proxy(of, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail })
}

/** Values that no function expects, or that differ from what they appear to be. Created for each use. */
export const HOSTILE_VALUES: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  NaN: () => Number.NaN,
  '-0': () => -0,
  '-1': () => -1,
  'a fraction': () => 1.5,
  '2^31': () => 2 ** 31,
  '2^32': () => 2 ** 32,
  '2^53': () => 2 ** 53,
  Infinity: () => Number.POSITIVE_INFINITY,
  'a BigInt': () => 5n,
  'a symbol': () => Symbol('x'),
  'an empty string': () => '',
  'a string with NUL': () => 'a\0b',
  'a long string': () => 'x'.repeat(100_000),
  'a lone surrogate': () => '\ud800',
  'a function': () => () => {},
  'a class': () => class Named {},
  'an object': () => ({}),
  'an object without a prototype': () => Object.create(null),
  'an object whose getter returns a different value each time': () => {
    let reads = 0
    return {
      get length() {
        reads += 1
        return reads
      },
      valueOf: () => 7,
      toString: () => 'seven',
    }
  },
  'an object of another realm': () => runInNewContext('({ capacity: 1 })'),
  'bytes of another realm': () => runInNewContext('new Uint8Array(4)'),
  'a list': () => [1, 2],
  'a list with holes': () => new Array(3),
  'a list that contains itself': () => {
    const list: unknown[] = []
    list.push(list)
    return list
  },
  'a Map': () => new Map([['capacity', 5]]),
  'a Date': () => new Date(0),
  'a Promise': () => Promise.resolve(5),
  'an Error': () => new Error('an error'),
  'a Proxy of an object': () => new Proxy({}, {}),
  'a Proxy of bytes': () => new Proxy(new Uint8Array(4), {}),
  'a Proxy of a function': () => new Proxy(() => {}, {}),
  'an object whose traps throw': () => hostileProxy({}),
  'bytes whose traps throw': () => hostileProxy(new Uint8Array(4)),
  'an object with a throwing getter': () => ({
    get constructor() {
      throw new Error('the getter of a caller')
    },
  }),
  'detached bytes': detached,
  'a detached buffer': () => detached().buffer,
  'resizable bytes': () => new Uint8Array(new (ArrayBuffer as Resizable)(4, { maxByteLength: 8 })),
  'shared bytes': () => new Uint8Array(new SharedArrayBuffer(4)),
  'a misspelled option': () => ({ capacitty: 1, adress: 'x', sginal: 1 }),
  'options that are null': () => ({ capacity: null, address: null, family: null, signal: null, timeoutMs: null }),
}
