import nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import dropIn from '../../../src/dgram/index.js'
import { SHUT_RD, SHUT_RDWR, SHUT_WR, shutdown } from './faults-native.js'

// faults-dgram-descriptors EVENT drop-in|node: a socket of either kind receives while other code causes EVENT on its
// descriptor. Prints as JSON how many loop iterations followed and what the socket emitted.

const [eventName, which] = process.argv.slice(2)
const dgram = which === 'node' ? nodeDgram : dropIn

/** The descriptors of this process's sockets. */
function sockets(): number[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith('socket:') ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

const events: Record<string, (fd: number) => void> = {
  'shut down for reading': (fd) => shutdown(fd, SHUT_RD),
  'shut down for writing': (fd) => shutdown(fd, SHUT_WR),
  'shut down for both': (fd) => shutdown(fd, SHUT_RDWR),
}

async function main(): Promise<void> {
  const before = sockets()
  const affected: nodeDgram.Socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(affected, 'listening')
  const [fd] = sockets().filter((each) => !before.includes(each))
  const other: nodeDgram.Socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(other, 'listening')
  const sender = nodeDgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(sender, 'listening')
  const errors: string[] = []
  let messages = 0
  let otherMessages = 0
  affected.on('error', (error) => errors.push((error as NodeJS.ErrnoException).code ?? error.message))
  affected.on('message', () => {
    messages += 1
  })
  other.on('message', () => {
    otherMessages += 1
  })
  events[eventName](fd)
  await sleep(50)
  const started = performance.nodeTiming.uvMetricsInfo.loopCount
  for (let count = 0; count < 10; count += 1) {
    for (const { port } of [affected.address(), other.address()]) sender.send('x', port, '127.0.0.1')
    await sleep(20)
  }
  const iterations = performance.nodeTiming.uvMetricsInfo.loopCount - started
  const sending: string[] = []
  for (let count = 0; count < 3; count += 1) {
    affected.send('x', other.address().port, '127.0.0.1', (error) => {
      sending.push(error === null ? 'sent' : String((error as NodeJS.ErrnoException).code))
    })
  }
  await sleep(50)
  const report = { iterations, errors, messages, otherMessages, sending }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())
}

void main()
