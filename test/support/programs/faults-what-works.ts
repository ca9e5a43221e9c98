import { BatchConn, type Family, probe, RecvBatch, SendBatch } from '../../../src/index.js'
import { boundSocket } from '../sockets.js'

// faults-what-works: prints as JSON which sockets open, which bind to loopback, what probe reports, and what a socket
// reports about its batched calls after it has used them.

function outcome(work: () => { close(): void }): string {
  try {
    work().close()
    return 'works'
  } catch (error) {
    const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException }
    return [code, message, cause?.code].filter(Boolean).join(' | ')
  }
}

function probed(): string {
  try {
    const { ipv4, ipv6, sendmmsg } = probe().features
    return [ipv4, ipv6, sendmmsg].map(({ available }) => available).join()
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

const of = (family: Family) => ({
  open: outcome(() => BatchConn.open({ family })),
  bind: outcome(() => boundSocket({ family })),
})
/** Sends a few batches from a socket to itself. */
function batching(): string {
  try {
    using conn = boundSocket()
    const out = new SendBatch({ capacity: 3 })
    for (let index = 0; index < 3; index += 1) out.append(`${index}`, conn.localAddress)
    for (let round = 0; round < 5; round += 1) {
      conn.send(out)
      out.rewind()
      conn.recv(new RecvBatch())
    }
    return `${conn.batching.available ? 'on' : 'off'}: ${conn.batching.reason}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

const report = { ipv4: of('ipv4'), ipv6: of('ipv6'), probe: probed(), batching: batching() }
process.stdout.write(`${JSON.stringify(report)}\n`)
