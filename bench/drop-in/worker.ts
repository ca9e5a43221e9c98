import * as nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median, quantile } from 'simple-statistics'
import { createSocket } from '../../src/dgram/index.js'
import { BatchConn, endpoint, SendBatch } from '../../src/index.js'
import { exitWithParent, sendToParent, startChild } from '../children/child.js'
import { gsoSegments } from '../traffic/modes.js'
import { destinationsOf } from '../traffic/network.js'
import type { Candidate, Figures, Task } from './measure.js'

/** Measures the time per `message` event when datagrams are already queued. Nothing is sent meanwhile. */
async function receiveCost({ candidate, sizeBytes, count }: Task): Promise<Figures> {
  const socket = await openSocket(candidate)
  const { receiveAll, datagrams, close } = openFeeder(socket, sizeBytes)
  const samples: number[] = []
  for (let received = 0; received < count; received += datagrams) samples.push((await receiveAll()) / datagrams)
  close()
  // The code is still being compiled during the first samples.
  return { 'ns per event': median(samples.slice(samples.length / 5)) }
}

/**
 * Measures the memory per received datagram that the program keeps: in V8's accounts, and of the process. The latter is null if
 * the process used memory that it already had.
 */
async function keptBytes({ candidate, sizeBytes, count }: Task): Promise<Figures> {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const socket = await openSocket(candidate)
  const { receiveAll, close } = openFeeder(socket, sizeBytes)
  const kept: Buffer[] = []
  socket.on('message', (bytes) => kept.push(bytes))
  // Code and receive slots, which the first datagrams allocate, do not count.
  await receiveAll()
  collectGarbage()
  const [before, keptBefore] = [process.memoryUsage(), kept.length]
  while (kept.length < keptBefore + count) await receiveAll()
  collectGarbage()
  collectGarbage()
  const after = process.memoryUsage()
  const each = (bytes: number) => (bytes > 0 ? bytes / (kept.length - keptBefore) : null)
  close()
  return {
    'bytes per datagram': each(after.heapUsed + after.external - before.heapUsed - before.external),
    'resident bytes per datagram': each(after.rss - before.rss),
  }
}

/** Sends datagrams to a socket by GSO, so that they are all queued at once: as many as fit its buffer. */
function openFeeder(socket: nodeDgram.Socket, sizeBytes: number) {
  const conn = BatchConn.open()
  const to = endpoint({ address: '127.0.0.1', port: socket.address().port })
  const segments = gsoSegments(sizeBytes, SEGMENTS)
  const room = socket.getRecvBufferSize() / (segments * (sizeBytes + KERNEL_BYTES))
  const messages = Math.max(1, Math.min(MAX_MESSAGES, Math.floor(room)))
  const batch = new SendBatch({ capacity: messages, slotBytes: segments * sizeBytes })
  for (let message = 0; message < messages; message += 1) {
    batch.append(Buffer.alloc(segments * sizeBytes, message), to, { segmentBytes: sizeBytes })
  }
  const datagrams = segments * messages
  let missing = 0
  let onAll = () => {}
  socket.on('message', () => {
    missing -= 1
    if (missing === 0) onAll()
  })
  return {
    datagrams,
    /** Queues the datagrams. @returns how many nanoseconds the socket takes to receive them */
    async receiveAll(): Promise<number> {
      batch.rewind()
      while (batch.remaining > 0) conn.send(batch)
      const startNs = process.hrtime.bigint()
      missing = datagrams
      await new Promise<void>((resolve) => {
        onAll = resolve
      })
      return Number(process.hrtime.bigint() - startNs)
    },
    close() {
      conn.close()
      socket.close()
    },
  }
}

/**
 * Measures the time per datagram with `sends` sends per tick, including their callbacks. They go to one destination or to
 * several, in turn or grouped; by default to a socket on loopback that is not read.
 */
async function sendCost({ candidate, sizeBytes, count, to, ...task }: Task): Promise<Figures> {
  const { destinations, grouped, sends } = task
  const socket = await openSocket(candidate, '0.0.0.0')
  const unread = to === undefined ? BatchConn.open().bind({ address: '0.0.0.0', port: 0 }) : undefined
  const first = to ?? { host: '127.0.0.1', port: unread?.localAddress.port ?? 0 }
  const destination = endpoint({ address: first.host, port: first.port })
  const messages = destinationsOf({ destination, destinations, grouped }, sends).map(({ address }, index) => ({
    payload: Buffer.alloc(sizeBytes, index),
    address,
  }))
  const tick = () =>
    new Promise<void>((resolve, reject) => {
      let left = sends
      const onSent = (error: Error | null) => {
        if (error !== null) reject(error)
        left -= 1
        if (left === 0) resolve()
      }
      for (const { payload, address } of messages) socket.send(payload, first.port, address, onSent)
    })
  const samples: number[] = []
  for (let sent = 0; sent < count; sent += TICKS_PER_SAMPLE * sends) {
    const startNs = process.hrtime.bigint()
    for (let index = 0; index < TICKS_PER_SAMPLE; index += 1) await tick()
    samples.push(Number(process.hrtime.bigint() - startNs) / (TICKS_PER_SAMPLE * sends))
    // A loop iteration now and then, as in a program.
    await new Promise(setImmediate)
  }
  socket.close()
  unread?.close()
  return { 'ns per datagram': median(samples.slice(samples.length * SEND_WARM_UP)) }
}

/** Measures the time of one datagram to a process with the same kind of socket and back, one at a time. */
async function roundTripTimes(task: Task): Promise<Figures> {
  const words = [JSON.stringify({ ...task, measure: 'echo' } satisfies Task)]
  await using echo = startChild('the echo process', { program: join(__dirname, 'worker'), words })
  const { port } = (await echo.next()) as { port: number }
  const socket = await openSocket(task.candidate)
  let onAnswer = () => {}
  socket.on('message', () => onAnswer())
  const payload = Buffer.alloc(task.sizeBytes)
  const times: number[] = []
  for (let trip = 0; trip < task.count; trip += 1) {
    const startNs = process.hrtime.bigint()
    await new Promise<void>((resolve) => {
      onAnswer = resolve
      socket.send(payload, port, '127.0.0.1')
    })
    times.push(Number(process.hrtime.bigint() - startNs) / 1000)
  }
  socket.close()
  const warm = times.slice(times.length * TRIP_WARM_UP)
  return { 'median us': quantile(warm, 0.5), 'p99 us': quantile(warm, 0.99) }
}

/** Sends datagrams back until the parent process ends. */
async function echo({ candidate }: Task): Promise<undefined> {
  const socket = await openSocket(candidate)
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
  sendToParent({ port: socket.address().port })
}

/**
 * Measures CPU time and memory of many sockets that each send one datagram in every tick of a timer, like a media server with one
 * socket per stream. They go to a socket on loopback whose datagrams are not read.
 */
async function manySocketsCost({ candidate, sizeBytes, sockets: socketCount, count }: Task): Promise<Figures> {
  const unread = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  const { port } = unread.localAddress
  const sockets = await Promise.all(Array.from({ length: socketCount }, () => openSocket(candidate)))
  const payload = Buffer.alloc(sizeBytes)
  const sendTicks = (ticks: number) =>
    new Promise<void>((resolve) => {
      let left = ticks
      const timer = setInterval(() => {
        for (const socket of sockets) socket.send(payload, port, '127.0.0.1')
        left -= 1
        if (left > 0) return
        clearInterval(timer)
        // The last tick's datagrams leave after this callback.
        setImmediate(resolve)
      }, TICK_MS)
    })
  await sendTicks(count * TICK_WARM_UP)
  const before = process.cpuUsage()
  await sendTicks(count)
  const { user, system } = process.cpuUsage(before)
  for (const socket of sockets) socket.close()
  unread.close()
  // proc_pid_status(5)
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  if (peak === null) throw new Error('/proc/self/status has no VmHWM')
  return { 'us of CPU per tick': (user + system) / count, 'peak resident MiB': Number(peak[1]) / 1024 }
}

const TICKS_PER_SAMPLE = 10
/** Shares of the samples during which the code is still being compiled. */
const SEND_WARM_UP = 0.2
const TRIP_WARM_UP = 0.3
/** The usual interval of audio over RTP. */
const TICK_MS = 20
/** Ticks before the measured ones, as a multiple of these: about as many sends as `send` has before it measures. */
const TICK_WARM_UP = 2

async function openSocket(candidate: Candidate, address = '127.0.0.1'): Promise<nodeDgram.Socket> {
  const options = { type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES } as const
  const socket =
    candidate === 'dgram'
      ? nodeDgram.createSocket(options)
      : createSocket({ ...options, gso: candidate !== 'batchconn-dgram, no GSO', gro: candidate === 'batchconn-dgram' })
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** Limited by net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 16 << 20
const MAX_MESSAGES = 16
/** The most that the kernel charges the receive buffer for a datagram in addition to its bytes. */
const KERNEL_BYTES = 1024
const SEGMENTS = 40

const WORK: Readonly<Record<Task['measure'], (task: Task) => Promise<Figures | undefined>>> = {
  send: sendCost,
  receive: receiveCost,
  'round-trip': roundTripTimes,
  kept: keptBytes,
  sockets: manySocketsCost,
  echo,
}

exitWithParent()
const task: Task = JSON.parse(process.argv[2])
void WORK[task.measure](task).then((figures) => {
  if (figures !== undefined) sendToParent(figures)
})
