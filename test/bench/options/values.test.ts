import t from 'tap'
import {
  choice,
  choices,
  DEFAULT_PORT,
  hostPort,
  integer,
  listenAt,
  percentage,
  processor,
  rate,
  seconds,
  token,
} from '../../../bench/options/values.js'

const USAGE_ERROR = { name: 'UsageError' }

t.test('HOST:PORT, [v6]:PORT, and the default port', async (t) => {
  t.strictSame(hostPort(1)('192.0.2.7:9000', 'to'), { host: '192.0.2.7', port: 9000 })
  t.strictSame(hostPort(1)('example.org:1', 'to'), { host: 'example.org', port: 1 })
  t.strictSame(hostPort(1)('[2001:db8::7]:65535', 'to'), { host: '2001:db8::7', port: 65535 })
  t.strictSame(hostPort(1)('[fe80::1%eth0]:7', 'to'), { host: 'fe80::1%eth0', port: 7 })
  t.strictSame(hostPort(1)('B', 'to'), { host: 'B', port: DEFAULT_PORT })
  t.strictSame(hostPort(1)('[::1]', 'to'), { host: '::1', port: DEFAULT_PORT })
  t.strictSame(hostPort(0)('host:0', 'to'), { host: 'host', port: 0 })
})

t.test('hosts and ports that are none', async (t) => {
  for (const text of [
    '',
    ':9000',
    'host:',
    'host:0',
    'host:70000',
    'host:-1',
    'host:1e3',
    'host:9x',
    'a:b:c',
    '[::1',
    '[]:5',
  ]) {
    t.throws(() => hostPort(1)(text, 'to'), USAGE_ERROR, text)
  }
  t.throws(() => hostPort(1)('2001:db8::7', 'to'), /in brackets: \[2001:db8::7\]/)
})

t.test('[HOST:]PORT to listen at', async (t) => {
  t.strictSame(listenAt(1)('9000', 'listen'), { port: 9000 })
  t.strictSame(listenAt(1)('127.0.0.1:9000', 'listen'), { host: '127.0.0.1', port: 9000 })
  t.strictSame(listenAt(0)('127.0.0.1:0', 'listen'), { host: '127.0.0.1', port: 0 })
  t.throws(() => listenAt(1)('0', 'listen'), USAGE_ERROR)
  t.throws(() => listenAt(0)('70000', 'listen'), USAGE_ERROR)
})

t.test('rates in packets and in bits', async (t) => {
  t.equal(rate('200k', 'rate', 1400), 200_000)
  t.equal(rate('500', 'rate', 1400), 500)
  t.equal(rate('1.5Mpps', 'rate', 1400), 1_500_000)
  t.equal(rate('1G', 'rate', 1250), 100_000)
  t.equal(rate('8M', 'rate', 1000), 1000)
  t.equal(rate('80kbit', 'rate', 100), 100)
  t.equal(rate('80kbit/s', 'rate', 100), 100)
  t.equal(rate('800bps', 'rate', 100), 1)
  t.equal(rate('100K', 'rate', 1400), 100_000, 'capital or not')
  t.equal(rate('5g', 'rate', 1250), 500_000)
  for (const text of ['', '0', '-5', '1T', 'k', '1e6', '0.5', '1bit', '1 G', 'fast', '9999G']) {
    t.throws(() => rate(text, 'rate', 1), USAGE_ERROR, text)
  }
})

t.test('numbers: whole, in range, and nothing behind them', async (t) => {
  t.equal(integer(1, 10)('1', 'size'), 1)
  t.equal(integer(1, 10)('10', 'size'), 10)
  for (const text of ['0', '11', '-1', '1.5', '1e1', '0x5', 'NaN', 'Infinity', '', '5 ', '99999999999999999999']) {
    t.throws(() => integer(1, 10)(text, 'size'), USAGE_ERROR, text)
  }
  t.equal(seconds(0, 5)('0.25', 'duration'), 0.25)
  t.equal(seconds(0, 5)('.5', 'duration'), 0.5)
  t.equal(seconds(0, 5)('5s', 'duration'), 5)
  for (const text of ['5.1', '-1', 'NaN', '', '1m', '.', '1.']) {
    t.throws(() => seconds(0, 5)(text, 'duration'), USAGE_ERROR, text)
  }
})

t.test('words from a list', async (t) => {
  t.equal(choice(['once', 'batch'])('once', 'prepare'), 'once')
  t.throws(() => choice(['once', 'batch'])('twice', 'prepare'), /--prepare must be once or batch, not 'twice'/)
  t.strictSame(choices(['a', 'b'])('b, a', 'mode'), ['b', 'a'])
  t.throws(() => choices(['a', 'b'])('a,c', 'mode'), /not 'c'/)
  t.throws(() => choices(['a', 'b'])('a, a', 'mode'), /names a twice/)
  t.throws(() => choices(['a', 'b'])('a,', 'mode'), USAGE_ERROR)
})

t.test('the forms of a host and port, the same in the error as in the help', async (t) => {
  t.throws(() => hostPort(1)('x:y:z', 'to'), /^--to must be HOST\[:PORT\] or \[IPv6\]\[:PORT\], not 'x:y:z'$/)
})

t.test('a percentage, a token, a processor', async (t) => {
  t.equal(percentage('1.5 %', 'precision'), 0.015)
  t.throws(() => percentage('0', 'precision'), USAGE_ERROR)
  t.equal(token('s3cret!', 'token'), 's3cret!')
  for (const text of ['', 'two words', 'x'.repeat(257), '\u001b[31m']) t.throws(() => token(text, 'token'), USAGE_ERROR)
  t.throws(() => processor('4095', 'cpu'), /^--cpu must be one of the processors [\d,-]+, not '4095'$/)
})
