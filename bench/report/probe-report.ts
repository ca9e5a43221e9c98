import { type FeatureStatus, probe } from '../../src/index.js'
import { documentHead, machineLine, printResult } from './document.js'

/** Probes this machine, and an interface if one is named; prints the result. @throws Error for an unknown interface */
export function printProbe({ json, interface: name }: { json: boolean; interface: string | undefined }): void {
  const { features, maxSegments, interface: over = null } = probe(name === undefined ? {} : { interface: name })
  const findings = Object.entries<FeatureStatus>(features)
  if (over !== null)
    findings.push([`GSO over ${over.name}, IPv4`, over.ipv4], [`GSO over ${over.name}, IPv6`, over.ipv6])
  const width = Math.max(...findings.map(([name]) => name.length))
  const lines = findings.map(
    ([name, { available, reason }]) => `${name.padEnd(width)}   ${available ? 'yes' : 'no '}   ${reason}`,
  )
  const gso = maxSegments === 0 ? 'no GSO' : `a GSO send may have ${maxSegments} datagrams`
  const config = { interface: over?.name ?? null }
  const document = { ...documentHead('probe'), config, features, maxSegments, interface: over }
  printResult({ json }, document, [machineLine(), '', ...lines, '', gso].join('\n'))
}
