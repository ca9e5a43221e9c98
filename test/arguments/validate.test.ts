import t from 'tap'
import * as validate from '../../src/arguments/validate.js'
import { type Misuse, rejects } from '../support/misuse.js'

type Row = Omit<Misuse, 'what' | 'message'> & { message: string }

/** Rows whose names are their messages. */
function table(rows: readonly Row[]): Misuse[] {
  return rows.map((row) => ({ what: row.message, ...row }))
}

const wrongType = { type: TypeError, code: 'ERR_INVALID_ARG_TYPE' } as const
const wrongValue = { type: TypeError, code: 'ERR_INVALID_ARG_VALUE' } as const
const outOfRange = { type: RangeError, code: 'ERR_OUT_OF_RANGE' } as const
const badPort = { type: RangeError, code: 'ERR_SOCKET_BAD_PORT' } as const

t.test('integer accepts its bounds and the integers between them', async (t) => {
  for (const value of [-3, 0, 9]) t.equal(validate.integer(value, 'n', -3, 9), value)
})

t.test('integer rejects other values', async (t) => {
  const integer = (value: unknown) => () => validate.integer(value, 'n', 1, 64)
  const must = 'n must be an integer from 1 to 64; received'
  rejects(
    t,
    table([
      { ...wrongType, act: integer('7'), message: "n must be a number; received type string ('7')" },
      { ...wrongType, act: integer(undefined), message: 'n must be a number; received undefined' },
      { ...wrongType, act: integer(null), message: 'n must be a number; received null' },
      { ...wrongType, act: integer(7n), message: 'n must be a number; received type bigint (7)' },
      { ...wrongType, act: integer([7]), message: 'n must be a number; received an instance of Array' },
      { ...outOfRange, act: integer(0), message: `${must} 0` },
      { ...outOfRange, act: integer(65), message: `${must} 65` },
      { ...outOfRange, act: integer(1.5), message: `${must} 1.5` },
      { ...outOfRange, act: integer(Number.NaN), message: `${must} NaN` },
      { ...outOfRange, act: integer(Number.POSITIVE_INFINITY), message: `${must} Infinity` },
    ]),
  )
})

t.test('port accepts 0 only where 0 means "any port"', async (t) => {
  t.equal(validate.port(0, 'port', 0), 0)
  t.equal(validate.port(1, 'port', 1), 1)
  t.equal(validate.port(65535, 'port', 1), 65535)
  const port = (value: unknown, low: 0 | 1) => () => validate.port(value, 'port', low)
  const must = (low: number) => `port must be an integer from ${low} to 65535; received`
  rejects(
    t,
    table([
      { ...badPort, act: port(0, 1), message: `${must(1)} type number (0)` },
      { ...badPort, act: port(-1, 0), message: `${must(0)} type number (-1)` },
      { ...badPort, act: port(65536, 0), message: `${must(0)} type number (65536)` },
      { ...badPort, act: port(53.5, 0), message: `${must(0)} type number (53.5)` },
      { ...badPort, act: port('53', 0), message: `${must(0)} type string ('53')` },
      { ...badPort, act: port(undefined, 0), message: `${must(0)} undefined` },
    ]),
  )
})

t.test('boolean accepts booleans only', async (t) => {
  for (const value of [true, false]) t.equal(validate.boolean(value, 'on'), value)
  rejects(
    t,
    table([
      { ...wrongType, act: () => validate.boolean(1, 'on'), message: 'on must be a boolean; received type number (1)' },
      { ...wrongType, act: () => validate.boolean(null, 'on'), message: 'on must be a boolean; received null' },
    ]),
  )
})

t.test('text accepts strings that fit a C string', async (t) => {
  t.equal(validate.text('eth0', 'name'), 'eth0')
  const unfit = 'name must not be empty or contain a NUL character'
  rejects(
    t,
    table([
      { ...wrongType, act: () => validate.text(7, 'name'), message: 'name must be a string; received type number (7)' },
      {
        ...wrongType,
        act: () => validate.text(undefined, 'name'),
        message: 'name must be a string; received undefined',
      },
      { ...wrongValue, act: () => validate.text('', 'name'), message: unfit },
      { ...wrongValue, act: () => validate.text('eth0\0', 'name'), message: unfit },
    ]),
  )
})

t.test('oneOf lists the allowed values', async (t) => {
  t.equal(validate.oneOf('b', 'letter', ['a', 'b']), 'b')
  const message = "letter must be one of 'a', 'b'; received"
  rejects(
    t,
    table([
      { ...wrongValue, act: () => validate.oneOf('c', 'letter', ['a', 'b']), message: `${message} type string ('c')` },
      { ...wrongValue, act: () => validate.oneOf(0, 'letter', ['a', 'b']), message: `${message} type number (0)` },
    ]),
  )
})

t.test('options returns a copy, reads each option once, and returns {} for undefined', async (t) => {
  let reads = 0
  const given = {
    get a() {
      reads += 1
      return reads
    },
  }
  const copy = validate.options(given, 'Thing', ['a', 'b'])
  t.same([copy.a, copy.a, reads], [1, 1, 1])
  t.same(validate.options(undefined, 'Thing', ['a']), {})
})

t.test('options accepts a plain object without unknown names', async (t) => {
  const options = (value: unknown) => () => validate.options(value as object, 'Thing', ['capacity', 'slotBytes'])
  const must = 'Thing options must be a plain object; received'
  rejects(
    t,
    table([
      { ...wrongType, act: options(null), message: `${must} null` },
      { ...wrongType, act: options(64), message: `${must} type number (64)` },
      { ...wrongType, act: options('64'), message: `${must} type string ('64')` },
      { ...wrongType, act: options([64]), message: `${must} an instance of Array` },
      {
        type: TypeError,
        code: 'ERR_UNKNOWN_OPTION',
        act: options({ capacity: 1, slotbytes: 2 }),
        message: "Thing: unknown option 'slotbytes'; known: capacity, slotBytes",
      },
    ]),
  )
})

t.test('abortSignal accepts an AbortSignal or undefined', async (t) => {
  const { signal } = new AbortController()
  t.equal(validate.abortSignal(signal, 'signal'), signal)
  t.equal(validate.abortSignal(undefined, 'signal'), undefined)
  const must = 'signal must be an AbortSignal; received'
  rejects(
    t,
    table([
      { ...wrongType, act: () => validate.abortSignal(null, 'signal'), message: `${must} null` },
      {
        ...wrongType,
        act: () => validate.abortSignal(new AbortController(), 'signal'),
        message: `${must} an instance of AbortController`,
      },
    ]),
  )
})

t.test('callback accepts a function', async (t) => {
  t.doesNotThrow(() => validate.callback(() => {}, 'listener'))
  const must = 'listener must be a function; received'
  rejects(
    t,
    table([
      { ...wrongType, act: () => validate.callback(undefined, 'listener'), message: `${must} undefined` },
      { ...wrongType, act: () => validate.callback({}, 'listener'), message: `${must} an instance of Object` },
    ]),
  )
})
