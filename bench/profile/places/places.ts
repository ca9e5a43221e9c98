import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Failure } from '../../failure.js'
import { BatchConn } from '../library.js'
import type { Place, Places } from './place.js'

/**
 * Sets up where to send: a sink in a network namespace of our own if it can be made, else loopback.
 *
 * @throws Failure if a sink was demanded and cannot be had
 */
export function openPlaces(wanted: 'auto' | 'sink' | 'loopback'): Places {
  if (wanted === 'loopback') return loopback('as asked')
  const made = openSinks()
  if (typeof made !== 'string') return made
  if (wanted === 'sink') throw new Failure(`there is no sink to be had: ${made}`)
  return loopback(`no sink could be made (${made})`)
}

function openSinks(): Places | string {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const opened: { place: Place; down: () => void }[] = []
  const close = () => {
    for (const { down } of opened.splice(0)) down()
  }
  for (const name of ['sink', 'sink-cutting'] as const) {
    const sink = openSink(name)
    if (typeof sink !== 'string') opened.push(sink)
    else if (name === 'sink') return sink
  }
  const [main, cutting] = opened.map(({ place }) => place)
  const explanation =
    'Datagrams go to a sink: a network device in a namespace of its own that swallows what it is given. Route, ' +
    'neighbour, queue and device driver are real; no wire, no interrupts and no receiver are in the figures. The device ' +
    'claims to cut trains (GSO) itself, as good network cards do; the second sink makes the kernel cut them.'
  return { main, cutting, explanation, close }
}

function openSink(name: 'sink' | 'sink-cutting'): { place: Place; down: () => void } | string {
  const env = { ...process.env, BATCHCONN_NETNS_PREFIX: `bcp${process.pid}-${name === 'sink' ? 's' : 'c'}` }
  const script = (...words: string[]) => spawnSync(SCRIPT, words, { env, encoding: 'utf8' })
  const down = () => {
    script('down')
  }
  const up = script('up')
  if (up.error !== undefined) return up.error.message
  const cuts = () => script('sink', 'ip', 'link', 'set', 'sink0', 'gso_max_segs', '1')
  const ready = up.status === 0 ? (name === 'sink' ? script('sink', 'true') : cuts()) : up
  if (ready.status !== 0) {
    down()
    return ready.stderr.trim().split('\n', 1)[0]
  }
  return { place: { name, wrapper: [SCRIPT, 'sink'], env, to: { address: '10.83.1.2', port: 9 } }, down }
}

// A socket that nobody reads takes what is sent: an unused port would answer each datagram with an error.
function loopback(why: string): Places {
  const receiver = BatchConn.open({ receiveBufferBytes: 4096 }).bind({ address: '127.0.0.1', port: 0 })
  const { address, port } = receiver.localAddress
  const explanation =
    `Datagrams go over loopback, ${why}, to a socket that nobody reads. The kernel then does most of the receiving in ` +
    'the sending call, up to the full buffer that drops them: the rung of the device is larger than with a real one, ' +
    'what batching gains looks smaller, and trains (GSO) are never cut.'
  return {
    main: { name: 'loopback', wrapper: [], env: process.env, to: { address, port } },
    cutting: undefined,
    explanation,
    close: () => receiver.close(),
  }
}

const SCRIPT = join(__dirname, '../../../scripts/netns.sh')
