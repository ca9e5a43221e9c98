import t from 'tap'
import { DEFAULT_PORT, parseHostPort, parseListen } from '../../../bench/options/parse-host-port.js'
import { parseRate } from '../../../bench/options/parse-rate.js'
import { parseChoice, parseChoices, parseInteger, parseSeconds } from '../../../bench/options/parse-value.js'

const USAGE_ERROR = { name: 'UsageError' }

t.test('HOST:PORT, [v6]:PORT, and the default port', async (t) => {
  t.strictSame(parseHostPort('to', '192.0.2.7:9000', 1), { host: '192.0.2.7', port: 9000 })
  t.strictSame(parseHostPort('to', 'example.org:1', 1), { host: 'example.org', port: 1 })
  t.strictSame(parseHostPort('to', '[2001:db8::7]:65535', 1), { host: '2001:db8::7', port: 65535 })
  t.strictSame(parseHostPort('to', '[fe80::1%eth0]:7', 1), { host: 'fe80::1%eth0', port: 7 })
  t.strictSame(parseHostPort('to', 'B', 1), { host: 'B', port: DEFAULT_PORT })
  t.strictSame(parseHostPort('to', '[::1]', 1), { host: '::1', port: DEFAULT_PORT })
  t.strictSame(parseHostPort('to', 'host:0', 0), { host: 'host', port: 0 })
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
    t.throws(() => parseHostPort('to', text, 1), USAGE_ERROR, text)
  }
  t.throws(() => parseHostPort('to', '2001:db8::7', 1), /in brackets: \[2001:db8::7\]/)
})

t.test('[HOST:]PORT to listen at', async (t) => {
  t.strictSame(parseListen('listen', '9000', 1), { port: 9000 })
  t.strictSame(parseListen('listen', '127.0.0.1:9000', 1), { host: '127.0.0.1', port: 9000 })
  t.strictSame(parseListen('listen', '127.0.0.1:0', 0), { host: '127.0.0.1', port: 0 })
  t.throws(() => parseListen('listen', '0', 1), USAGE_ERROR)
  t.throws(() => parseListen('listen', '70000', 0), USAGE_ERROR)
})

t.test('rates in packets and in bits', async (t) => {
  t.equal(parseRate('rate', '200k', 1400), 200_000)
  t.equal(parseRate('rate', '500', 1400), 500)
  t.equal(parseRate('rate', '1.5Mpps', 1400), 1_500_000)
  t.equal(parseRate('rate', '1G', 1250), 100_000)
  t.equal(parseRate('rate', '8M', 1000), 1000)
  t.equal(parseRate('rate', '80kbit', 100), 100)
  t.equal(parseRate('rate', '80kbit/s', 100), 100)
  t.equal(parseRate('rate', '800bps', 100), 1)
  for (const text of ['', '0', '-5', '5K', '1T', 'k', '1e6', '0.5', '1bit', '1 G', 'fast', '9999G']) {
    t.throws(() => parseRate('rate', text, 1), USAGE_ERROR, text)
  }
})

t.test('numbers: whole, in range, and nothing behind them', async (t) => {
  t.equal(parseInteger('size', '1', 1, 10), 1)
  t.equal(parseInteger('size', '10', 1, 10), 10)
  for (const text of ['0', '11', '-1', '1.5', '1e1', '0x5', 'NaN', 'Infinity', '', '5 ', '99999999999999999999']) {
    t.throws(() => parseInteger('size', text, 1, 10), USAGE_ERROR, text)
  }
  t.equal(parseSeconds('duration', '0.25', 0, 5), 0.25)
  t.equal(parseSeconds('duration', '.5', 0, 5), 0.5)
  t.equal(parseSeconds('duration', '5s', 0, 5), 5)
  for (const text of ['5.1', '-1', 'NaN', '', '1m', '.', '1.']) {
    t.throws(() => parseSeconds('duration', text, 0, 5), USAGE_ERROR, text)
  }
})

t.test('words from a list', async (t) => {
  t.equal(parseChoice('prepare', 'once', ['once', 'batch']), 'once')
  t.throws(() => parseChoice('prepare', 'twice', ['once', 'batch']), /--prepare must be once or batch, not 'twice'/)
  t.strictSame(parseChoices('mode', 'b, a', ['a', 'b']), ['b', 'a'])
  t.throws(() => parseChoices('mode', 'a,c', ['a', 'b']), /not 'c'/)
  t.throws(() => parseChoices('mode', 'a, a', ['a', 'b']), /names a twice/)
  t.throws(() => parseChoices('mode', 'a,', ['a', 'b']), USAGE_ERROR)
})
