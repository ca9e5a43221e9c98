import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { HOST_A, HOST_B, twoHosts } from '../support/two-hosts.js'

// Packets of a GSO send on the link, captured by tcpdump at the other host.

const PROGRAM = join(__dirname, '../support/programs/send-gso.ts')
const hosts = twoHosts('wi')
const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0
const skip = typeof hosts === 'string' ? hosts : hasTcpdump ? false : 'needs tcpdump'

t.test('10,000 bytes in segments of 1,400 are 7 datagrams of 1,400 bytes and one of 200', { skip }, async (t) => {
  if (typeof hosts === 'string') return
  t.teardown(() => hosts.down())
  const inHost = (where: 'A' | 'B', ...command: string[]) => [...hosts.command(where), ...command]
  const run = ([command, ...args]: string[]) => spawnSync(command, args, { env: hosts.env, encoding: 'utf8' })
  // veth passes a GSO send on unsegmented, because both ends are on one machine: make the sender segment it.
  t.equal(run(inHost('A', 'ip', 'link', 'set', HOST_A.interface, 'gso_max_segs', '1')).status, 0)
  t.equal(run(inHost('A', 'ip', 'addr', 'add', '10.83.0.77/24', 'dev', HOST_A.interface)).status, 0)
  t.equal(run(inHost('A', 'ip', 'addr', 'add', 'fd83::77/64', 'dev', HOST_A.interface, 'nodad')).status, 0)

  for (const [address, source] of [
    [HOST_B.ipv4, '10.83.0.77'],
    [HOST_B.ipv6, 'fd83::77'],
  ]) {
    const filter = `udp dst port 9 and host ${address}`
    const [command, ...args] = inHost(
      'B',
      'tcpdump',
      '-i',
      HOST_B.interface,
      '-nn',
      '-v',
      '-l',
      '-c',
      '8',
      '-x',
      filter,
    )
    const capture = spawn(command, args, { env: hosts.env })
    let output = ''
    let notes = ''
    capture.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    capture.stderr.setEncoding('utf8').on('data', (text) => {
      notes += text
    })
    while (!notes.includes('listening on')) await once(capture.stderr, 'data')
    const deadline = setTimeout(() => capture.kill(), 60_000)
    const sent = run(inHost('A', process.execPath, ...process.execArgv, PROGRAM, address, source))
    t.strictSame(JSON.parse(sent.stdout), { sent: 1, gso: true })
    await once(capture, 'close')
    clearTimeout(deadline)

    // tcpdump -v prints two lines per packet over IPv4 and one over IPv6, then the bytes.
    const packets = output.split(/^(?=\d\d:\d\d:\d\d\.\d+ IP6? )/m).filter((text) => text.includes('.9:'))
    t.equal(packets.length, 8)
    t.strictSame(
      packets.map((text) => Number(/UDP, length (\d+)/.exec(text)?.[1])),
      [...Array(7).fill(1400), 200],
    )
    for (const [index, text] of packets.entries()) {
      t.match(text, address === HOST_B.ipv4 ? /tos 0x2,ECT\(0\), ttl 8,/ : /class 0x02,.*hlim 8,/)
      t.ok(text.includes(`${source}.`), `from ${source}`)
      const bytes = [...text.matchAll(/0x[0-9a-f]{4}: +((?:[0-9a-f]{2,4} ?)+)/g)]
        .map(([, hex]) => hex.replaceAll(' ', ''))
        .join('')
      t.ok(
        bytes.endsWith(Buffer.alloc(100, index).toString('hex')),
        `datagram ${index} has the bytes of segment ${index}`,
      )
    }
  }
})
