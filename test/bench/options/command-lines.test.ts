import t from 'tap'
import { parseDropInOptions, parseProbeOptions } from '../../../bench/options/local-options.js'
import { parseCompareOptions, parseRecvOptions, parseSendOptions } from '../../../bench/options/throughput-options.js'

const USAGE_ERROR = { name: 'UsageError' }

const send = (line: string) => parseSendOptions(line.split(' ').filter(Boolean))
const recv = (line: string) => parseRecvOptions(line.split(' ').filter(Boolean))

t.test('send: defaults', async (t) => {
  const { seed, ...options } = send('')
  t.strictSame(options, {
    command: 'send',
    to: undefined,
    html: undefined,
    sizeBytes: 1400,
    batch: 64,
    segments: 40,
    buffers: 1,
    destinations: 1,
    grouped: false,
    parallel: 1,
    durationSeconds: 1,
    rounds: 5,
    omitSeconds: 0.3,
    connect: false,
    prepare: 'once',
    control: true,
    intervalSeconds: 1,
    json: false,
    csv: false,
    quiet: false,
    modes: ['sendmsg', 'sendmmsg', 'gso'],
    peers: [],
    packetsPerSecond: undefined,
    burstMs: 1,
    bind: undefined,
    token: undefined,
  })
  t.not(send('').seed, seed, 'another order each time')
  t.equal(send('--seed 7').seed, 7)
})

t.test("send: iperf3's letters", async (t) => {
  const options = send('-c [::1]:7 -l 200 -t 2 -i 0.5 -b 1G -B 192.0.2.1 -O 0 -J -P 4')
  t.match(options, {
    to: { host: '::1', port: 7 },
    sizeBytes: 200,
    durationSeconds: 2,
    intervalSeconds: 0.5,
    packetsPerSecond: 625_000,
    bind: { host: '192.0.2.1', port: 0 },
    omitSeconds: 0,
    json: true,
    parallel: 4,
  })
  t.match(send('--bind [::1]').bind, { host: '::1', port: 0 })
  t.match(send('--bind [::1]:9').bind, { host: '::1', port: 9 })
  t.match(send('--bind 127.0.0.1:9').bind, { host: '127.0.0.1', port: 9 })
})

t.test('send: strict', async (t) => {
  const wrong: [string, RegExp][] = [
    ['--sizee 3', /^unknown option --sizee; did you mean --size\?$/],
    ['--raet 3', /did you mean --rate\?/],
    ['--no-conect', /^unknown option --no-conect; did you mean --no-connect\?$/],
    ['--__proto__ 1', /^unknown option/],
    ['--constructor 1', /^the options cannot be read/],
    ['--no-sized', /^unknown option --no-sized; did you mean --no-/],
    ['-x', /^unknown option -x/],
    ['--size 1 --size 2', /^--size was given 2 times/],
    ['-l 1 --size 2', /^--size was given 2 times/],
    ['--size', /^--size needs a value/],
    ['--size=', /^--size needs a value/],
    ['--size --json', /^--size needs a value/],
    ['--no-size', /^--size takes a value/],
    ['--json=no', /^--json takes no value/],
    ['1400', /^unexpected argument '1400'/],
    ['-- --size', /^unexpected argument/],
    ['--size 0', /--size must be/],
    ['--size 65508', /--size must be/],
    ['--batch 0', /--batch must be/],
    ['--batch 1025', /--batch must be/],
    ['--segments 0', /--segments must be/],
    ['--segments 129', /--segments must be/],
    ['--rounds 1.5', /--rounds must be/],
    ['--duration -1', /--duration must be/],
    ['--interval NaN', /--interval must be/],
    ['--mode sendmsg,gsoo', /--mode must be a list/],
    ['--prepare never', /--prepare must be/],
    ['--no-control', /^--no-control requires --to HOST:PORT$/],
    ['--destinations 2', /^--destinations requires --no-control, without --connect and --peers$/],
    ['--destinations 2 --no-control --to 10.0.0.1 --connect', /^--destinations requires/],
    ['--destinations 2 --no-control --to 10.0.0.1 --peers c', /^--destinations requires/],
    ['--destinations 2 --no-control --to 10.0.0.255', /^--to must be an IPv4 address with 1 more after it/],
    ['--destinations 2 --no-control --to [::1]', /^--to must be an IPv4 address/],
    ['--destinations 65', /--destinations must be/],
    [
      '--token two,words --mode dgram --peers c',
      /--peers requires a first --mode of sendmsg or .* or sendmmsg\+gso\+zerocopy, not 'dgram'/,
    ],
  ]
  for (const [line, message] of wrong) {
    t.throws(() => send(line), message, line)
    t.throws(() => send(line), USAGE_ERROR, line)
  }
})

t.test('a GSO send is no longer than a datagram can be', async (t) => {
  const segments = (line: string) => send(line).segments
  t.equal(segments('--segments 46'), 46)
  t.equal(segments('--segments 47'), 46)
  t.equal(segments('--size 100 --segments 128'), 128)
  t.equal(segments('--size 40000'), 1)
})

t.test('recv', async (t) => {
  t.strictSame(recv(''), {
    listen: { port: 5211 },
    mode: 'recvmmsg',
    batch: 64,
    sizeBytes: 2048,
    durationSeconds: undefined,
    intervalSeconds: 1,
    control: true,
    token: undefined,
    json: false,
    csv: false,
    quiet: false,
    announce: false,
  })
  t.match(recv('-p 127.0.0.1:9 --mode dgram -t 3 --no-control'), {
    listen: { host: '127.0.0.1', port: 9 },
    mode: 'dgram',
    durationSeconds: 3,
    control: false,
  })
  t.throws(() => recv('--listen 0'), USAGE_ERROR)
  t.equal(recv('--listen 127.0.0.1:0 --announce').listen.port, 0, 'a child may leave the port to the kernel')
  t.throws(() => recv('--lisen 9'), /did you mean --listen\?/)
  t.throws(() => recv('--anounce'), /^(?!.*--announce)/, 'what is hidden is not named')
  t.throws(() => recv('--mode sendmsg'), USAGE_ERROR)
})

t.test('compare: send with other programs', async (t) => {
  const compare = (line: string) => parseCompareOptions(line.split(' ').filter(Boolean))
  t.match(compare('--peers c --mode sendmsg,dgram'), {
    command: 'compare',
    peers: ['c'],
    modes: ['sendmsg', 'dgram'],
    rounds: 15,
    durationSeconds: 0.3,
  })
  t.throws(() => compare('--peers rust'), /--peers must be a list of c, c-copying, go, not 'rust'/)
  t.match(compare(''), { modes: ['sendmmsg', 'dgram'], peers: ['c', 'go'] })
  t.throws(() => compare('--peer c'), /did you mean --peers\?/)
  t.throws(() => compare('--mode dgram'), USAGE_ERROR)
})

t.test('the token of the environment', async (t) => {
  process.env.BATCHCONN_TOKEN = 'from-outside'
  t.teardown(() => delete process.env.BATCHCONN_TOKEN)
  t.equal(send('').token, 'from-outside')
  t.equal(recv('--token other').token, 'other')
})

t.test('drop-in', async (t) => {
  const options = parseDropInOptions([
    '--destinations',
    '3',
    '--grouped',
    '--sends',
    '96',
    '--to',
    '127.0.0.2:9',
    '-m',
    'send',
  ])
  t.match(options, {
    measures: ['send'],
    destinations: 3,
    grouped: true,
    sends: 96,
    to: { host: '127.0.0.2', port: 9 },
    sizeBytes: 64,
  })
  t.strictSame([options.isQuick, parseDropInOptions(['--quick']).isQuick], [false, true])
  t.throws(() => parseDropInOptions(['--peers', '3']), /unknown option --peers/)
})

t.test('probe', async (t) => {
  t.strictSame(parseProbeOptions([]), { interface: undefined, json: false })
  t.strictSame(parseProbeOptions(['--interface', 'lo', '-J']), { interface: 'lo', json: true })
  t.throws(() => parseProbeOptions(['--interfaces', 'lo']), /did you mean --interface\?/)
  t.throws(() => parseProbeOptions(['--interface']), /--interface needs a value/)
  t.throws(() => parseProbeOptions(['lo']), USAGE_ERROR)
})
