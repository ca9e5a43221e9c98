import t from 'tap'
import { boundSocket, deadEndpoint } from '../support/sockets.js'
import { bench } from './support.js'

// Each command is a process of its own, and machines differ.
t.setTimeout(240_000)

/** Command, options, exit status, and what the one line says. */
const CASES: [string, string, number, RegExp][] = [
  ['send', '--sizee 3', 2, /unknown option --sizee; did you mean --size\?/],
  ['send', '--size 0', 2, /--size must be a whole number from 1 to 65507, not '0'/],
  ['send', '--size 70000', 2, /--size must be/],
  ['send', '--batch 0', 2, /--batch must be a whole number from 1 to 1024, not '0'/],
  ['send', '--to 127.0.0.1:0', 2, /the port must be a whole number from 1 to 65535, not '0'/],
  ['send', '--to 127.0.0.1:70000', 2, /the port must be/],
  ['send', '--to no-such-host.invalid:5211', 1, /the host 'no-such-host\.invalid' cannot be resolved/],
  ['send', `--to 127.0.0.1:${deadEndpoint().port}`, 1, /there is no receiver at .*connection refused.*--no-control/],
  ['send', '--to 127.0.0.1 --no-control --bind 192.0.2.1', 1, /cannot send from 192\.0\.2\.1 port 0: EADDRNOTAVAIL/],
  ['send', '--to 127.0.0.1 --no-control --bind [::1]', 1, /the host '::1' cannot be resolved to IPv4/],
  ['send', '--to [::1] --no-control --bind 127.0.0.1 --mode dgram', 1, /cannot be resolved to IPv6/],
  ['send', '--to 255.255.255.255 --no-control', 1, /255\.255\.255\.255.*EACCES/],
  ['recv', '--listen 0', 2, /the port must be/],
  ['recv', '--listen 127.0.0.1:70000', 2, /the port must be/],
  ['recv', '--listen 192.0.2.1:5211', 1, /cannot listen on 192\.0\.2\.1:5211: this host does not have this address/],
  ['recv', '--batch 0', 2, /--batch must be/],
  ['recv', '--lisen 1', 2, /did you mean --listen\?/],
  ['send', '--segments 0', 2, /--segments must be a whole number from 1 to 128, not '0'/],
  ['send', '--json --csv', 2, /--json and --csv exclude each other/],
  ['drop-in', '--json --csv', 2, /--json and --csv exclude each other/],
  ['recv', '--json --csv', 2, /--json and --csv exclude each other/],
  ['send', '--parallel 65', 2, /--parallel must be a whole number from 1 to 64/],
  ['send', '-P 2 --peers c', 2, /--parallel and --peers exclude each other/],
  ['send', '-P 2 --size 15', 2, /--parallel requires a --size of at least 16/],
  [
    'send',
    '-P 2 --to 127.0.0.1 --no-control --bind 192.0.2.1',
    1,
    /cannot send from 192\.0\.2\.1 port 0: EADDRNOTAVAIL/,
  ],
  ['compare', '--parallel 2', 2, /unknown option --parallel/],
  ['merge', '', 2, /merge requires two or more files: merge a\.json b\.json/],
  ['merge', 'a.json --cvs b.json', 2, /unknown option --cvs; did you mean --csv\?/],
  ['merge', '/no/such.json b.json', 1, /cannot read \/no\/such\.json \(ENOENT\)/],
  [
    'merge',
    'package.json package-lock.json',
    1,
    /package\.json is not a report of send or latency; make one with --json/,
  ],
  ['send', '--no-control', 2, /--no-control requires --to HOST:PORT/],
  ['profile', '--html /no/such/folder/r.html', 1, /cannot write \/no\/such\/folder\/r\.html \(ENOENT\)/],
  ['profile', '--html /tmp', 1, /cannot write \/tmp \(EISDIR\)/],
  ['send', '--html /no/such/folder/r.html', 1, /^send: cannot write \/no\/such\/folder\/r\.html \(ENOENT\)$/m],
  ['profile', '--cpu 4095', 2, /--cpu must be one of the processors/],
  ['profile', '--diff a.json', 2, /--diff needs two files/],
  ['profile', '--diff /no/such.json /no/such.json', 1, /cannot read \/no\/such\.json \(ENOENT\)/],
  ['probe', '--interfac lo', 2, /did you mean --interface\?/],
  ['probe', '--interface no-such', 1, /interface must be one of .*lo.*; received 'no-such'/],
  ['compare', '--peers rust', 2, /--peers must be a list of c, c-copying, go, not 'rust'/],
]

for (const [command, line, expected, message] of CASES) {
  t.test(`${command} ${line}`, async (t) => {
    const { status, stdout, stderr } = await bench(command, line)
    t.equal(status, expected)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.match(stderr, new RegExp(`^${command}: [^\\n]+\\n$`), 'exactly one line')
  })
}

for (const mode of ['recvmmsg', 'dgram']) {
  t.test(`recv --mode ${mode} where the address is in use`, async (t) => {
    using conn = boundSocket()
    const { status, stderr } = await bench('recv', `--listen ${conn.localAddress} --mode ${mode}`)
    t.equal(status, 1)
    t.match(stderr, /^recv: cannot listen on 127\.0\.0\.1:\d+: address already in use \(EADDRINUSE\)\n$/)
  })
}

t.test('a result that cannot be written is an error, without a stack trace', async (t) => {
  const wrapper = ['sh', '-c', 'exec "$@" >/dev/full', 'sh']
  const { status, stderr } = await bench('probe', '', { wrapper })
  t.equal(status, 1)
  t.equal(stderr, 'probe: cannot write to standard output (ENOSPC)\n')
})

t.test('--help has every option and examples', async (t) => {
  for (const command of ['send', 'recv', 'compare', 'latency', 'drop-in', 'profile', 'probe', 'merge']) {
    const { status, stdout, stderr } = await bench(command, '--help')
    t.equal(status, 0)
    t.equal(stderr, '')
    t.match(stdout, /Examples:/)
    t.notMatch(stdout, /announce/)
    t.ok(
      stdout.split('\n').every((line) => line.length <= 80),
      'no line is longer than 80 columns',
    )
    if (!['send', 'recv', 'compare'].includes(command)) continue
    const options = ['size', 'batch', 'mode', 'duration', 'interval', 'json', 'quiet', 'token']
    if (command === 'send') options.push('to', 'rounds', 'connect', 'prepare', 'rate', 'burst-ms', 'bind')
    for (const option of options) t.match(stdout, new RegExp(`--${option} `), `${command} --${option}`)
  }
})

t.test('with BATCHCONN_DEBUG, the stack trace', async (t) => {
  const env = { ...process.env, BATCHCONN_DEBUG: '1' }
  const { status, stderr } = await bench('send', '--size 0', { env })
  t.equal(status, 2)
  t.match(stderr, /\n {4}at /)
})
