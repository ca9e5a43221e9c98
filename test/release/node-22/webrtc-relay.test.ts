import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Example, start } from '../../examples/example.js'
import { run } from '../../project/support.js'

t.setTimeout(300_000)

const VIEWERS = 3
const PACKETS = 20

/** Sends a video frame of packets, of which the last is shorter, after what is not RTP. */
async function publish(t: Test, port: number): Promise<void> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // No version, an empty datagram, and a header with more sources (CSRC) than the packet has bytes for.
  for (const bytes of [Buffer.alloc(100), Buffer.alloc(0), Buffer.alloc(12, 0x8f)]) socket.send(bytes)
  for (let number = 0; number < PACKETS; number += 1) {
    const packet = Buffer.alloc(number === PACKETS - 1 ? 300 : 1200, number)
    packet.set([0x80, 96, 0, number])
    packet.writeUInt32BE(1234, 8)
    socket.send(packet)
  }
}

async function received(viewers: Example): Promise<number> {
  viewers.write('\n')
  return Number(/^received (\d+)$/.exec(await viewers.line())?.[1])
}

function testRelay(t: Test): void {
  for (const register of ['on', 'off']) {
    t.test(`every viewer receives every packet, with batchconn/register ${register}`, async (t) => {
      process.env.BATCHCONN_REGISTER = register
      process.env.NODE_DEBUG = 'batchconn'
      const relay = start(t, 'webrtc-relay.ts', [0, 0])
      const [rtpPort, httpPort] = Array.from((await relay.line()).matchAll(/:(\d+)/g), ([, port]) => Number(port))
      delete process.env.NODE_DEBUG
      const url = `http://127.0.0.1:${httpPort}`
      t.match(await (await fetch(url)).text(), /<video/, 'a page for browsers')
      for (const body of ['', 'm=video']) t.equal((await fetch(url, { method: 'POST', body })).status, 400)
      for (let offer = 0; offer < 2; offer += 1) t.equal(await relay.line(), 'a viewer has left')

      const viewers = start(t, '../scripts/examples/clients/webrtc-viewers.ts', [httpPort, VIEWERS])
      t.equal(await viewers.line(), 'joined')
      for (let viewer = 0; viewer < VIEWERS; viewer += 1) t.equal(await relay.line(), 'a viewer has joined')

      await publish(t, rtpPort)
      while ((await received(viewers)) < VIEWERS * PACKETS) await new Promise((resolve) => setTimeout(resolve, 20))
      t.equal(await received(viewers), VIEWERS * PACKETS)
      viewers.child.stdin?.end()
      t.match(await viewers.end(), { code: 0, stderr: '' })
      relay.child.kill()
      const { stderr } = await relay.end()
      t.match(stderr, register === 'on' ? /creates batching sockets; batching is on/ : /node:dgram is unchanged/)
    })
  }
}

/** Installs werift into a folder. Returns the reason why that is not possible; undefined if it was. */
async function install(folder: string): Promise<string | undefined> {
  mkdirSync(folder)
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0']
  const { status, stderr } = await run('npm', ['install', '--prefix', folder, ...flags, 'werift@0.25.2'])
  if (status === 0) return undefined
  if (/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(stderr)) {
    return 'werift cannot be installed: the registry cannot be reached'
  }
  throw new Error(stderr)
}

t.test('the WebRTC relay', async (t) => {
  const folder = join(t.testdir(), 'werift')
  const reason = await install(folder)
  if (reason !== undefined) t.plan(0, reason)
  else {
    process.env.NODE_PATH = join(folder, 'node_modules')
    testRelay(t)
  }
})
