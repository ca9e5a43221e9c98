import t from 'tap'
import { rangeError, received, typeError } from '../../src/arguments/errors.js'

t.test('a misuse error has its class and code', async (t) => {
  const wrongType = typeError('ERR_INVALID_ARG_TYPE', 'x must be a number')
  t.ok(wrongType instanceof TypeError)
  t.equal(wrongType.name, 'TypeError')
  t.equal(wrongType.code, 'ERR_INVALID_ARG_TYPE')
  t.equal(wrongType.message, 'x must be a number')

  const outOfRange = rangeError('ERR_OUT_OF_RANGE', 'x must be small')
  t.ok(outOfRange instanceof RangeError)
  t.equal(outOfRange.name, 'RangeError')
  t.equal(outOfRange.code, 'ERR_OUT_OF_RANGE')
  t.equal(outOfRange.message, 'x must be small')
})

t.test('received describes a value as Node does', async (t) => {
  const table: [value: unknown, text: string][] = [
    [undefined, 'received undefined'],
    [null, 'received null'],
    [7, 'received type number (7)'],
    [-0.5, 'received type number (-0.5)'],
    [Number.NaN, 'received type number (NaN)'],
    [7n, 'received type bigint (7)'],
    [true, 'received type boolean (true)'],
    [Symbol('s'), 'received type symbol (Symbol(s))'],
    ['text', "received type string ('text')"],
    ['', "received type string ('')"],
    ['x'.repeat(28), `received type string ('${'x'.repeat(28)}')`],
    ['x'.repeat(29), `received type string ('${'x'.repeat(25)}...')`],
    [{}, 'received an instance of Object'],
    [[], 'received an instance of Array'],
    [Buffer.alloc(1), 'received an instance of Buffer'],
    [new Map(), 'received an instance of Map'],
    [Object.create(null), 'received an instance of Object'],
    [function named() {}, 'received function named'],
    [() => {}, 'received function '],
  ]
  for (const [value, text] of table) t.equal(received(value), text)
})
