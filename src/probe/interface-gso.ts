import { SendBatch } from '../batch/send-batch.js'
import { endpoint, type Family } from '../endpoint/endpoint.js'
import { BatchConn } from '../socket/batch-conn.js'

/**
 * Sends two short datagrams over an interface, in one GSO send, to all hosts of the link (RFC 1112, RFC 4291), one hop, to the
 * discard port (RFC 863): only a real send shows what the device does with it.
 *
 * @returns what was seen
 * @throws Error with what stands in the way
 */
export function gsoOverInterface(name: string, family: Family): string {
  const address = family === 'ipv4' ? '224.0.0.1' : `ff02::1%${name}`
  using conn = BatchConn.open({
    family,
    bindToDevice: name,
    multicastInterface: name,
    multicastTtl: 1,
    multicastLoop: false,
  })
  const out = new SendBatch()
  out.append('probeprobe', endpoint({ address, port: DISCARD_PORT }), { segmentBytes: 5 })
  conn.send(out)
  const { available, reason } = conn.gso
  if (!available) throw new Error(reason)
  return `a GSO send left by ${name}`
}

const DISCARD_PORT = 9
