import { SendBatch } from '../batch/send-batch.js'
import { endpoint, type Family } from '../endpoint/endpoint.js'
import { BatchConn } from '../socket/batch-conn.js'

/**
 * Sends two short datagrams over an interface in one GSO send, because only a real send shows if the device supports it. The
 * destination is the all-hosts group of the link (RFC 1112, RFC 4291), discard port (RFC 863), one hop.
 *
 * @returns the observed result
 * @throws Error with the reason why GSO does not work
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
  return `a GSO send was accepted on ${name}`
}

const DISCARD_PORT = 9
