import nodeDgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import dropIn from '../../../src/dgram/index.js'
import { BatchConn, probe, RecvBatch } from '../../../src/index.js'
import { boundSocket, drain } from '../sockets.js'
import { sendText } from './faults-send.js'

// faults-out-of-descriptors SCENARIO: uses the library in a process without a free descriptor. Prints JSON.

const files: number[] = []

/** Opens files until only `spare` descriptors are left. */
function useUp(spare = 0): void {
  try {
    for (;;) files.push(openSync('/dev/null', 'r'))
  } catch {}
  free(spare)
}

function free(count = files.length): void {
  for (const fd of files.splice(0, count)) closeSync(fd)
}

/** Returns the error that `work` throws or rejects with, as code and system call. */
async function failure(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'none'
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    return `${code} ${syscall}`
  }
}

async function bindError(dgram: Pick<typeof nodeDgram, 'createSocket'>): Promise<string> {
  const socket = dgram.createSocket('udp4')
  const settled = Promise.race([once(socket, 'error').then(([error]) => error), once(socket, 'listening')])
  socket.bind(0, '127.0.0.1')
  const outcome = await settled.then(
    () => 'listening',
    (error: NodeJS.ErrnoException) => `${error.code} ${error.syscall}`,
  )
  if (outcome === 'listening') socket.close()
  return outcome
}

const scenarios: Record<string, () => Promise<object>> = {
  open: async () => {
    const existing = boundSocket()
    const sender = boundSocket()
    useUp()
    const errors = await Promise.all(Array.from({ length: 50 }, () => failure(() => BatchConn.open())))
    const adopted = await failure(() => BatchConn.adopt(9999))
    sendText('still here', existing.localAddress, sender)
    const texts = drain(existing).map(({ text }) => text)
    free(1)
    let opened = 0
    // One free descriptor is enough for one socket after the other.
    for (let round = 0; round < 50; round += 1) {
      const conn = BatchConn.open()
      if ((await failure(() => BatchConn.open())) === 'EMFILE socket') opened += 1
      conn.close()
    }
    return { errors: [...new Set(errors)], adopted, texts, opened }
  },
  wait: async () => {
    const conn = boundSocket()
    const sender = boundSocket()
    useUp()
    const readable = await failure(() => conn.readable())
    const listening = await failure(() => conn.onReadable(new RecvBatch(), () => {}).close())
    free()
    const texts: string[] = []
    conn.onReadable(new RecvBatch(), (batch) => {
      for (const { bytes } of batch) texts.push(bytes.toString())
    })
    sendText('later', conn.localAddress, sender)
    for (let round = 0; round < 300 && texts.length === 0; round += 1) await sleep(10)
    conn.close()
    return { readable, listening, texts }
  },
  probe: async () => {
    useUp()
    const { features, maxSegments } = probe()
    free()
    const available = Object.values(features).filter((finding) => finding.available).length
    return {
      available,
      details: [...new Set(Object.values(features).map(({ reason }) => reason))],
      maxSegments,
      after: probe().features.ipv4.available,
    }
  },
  'drop-in': async () => {
    useUp()
    const own = await bindError(dropIn)
    const node = await bindError(nodeDgram)
    free()
    return { own, node, after: await bindError(dropIn) }
  },
}

async function main(): Promise<void> {
  const report = await scenarios[process.argv[2]]()
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
