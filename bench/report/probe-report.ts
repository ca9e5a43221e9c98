import { type FeatureStatus, probe } from '../../src/index.js'
import { documentHead, machineLine, printDocument } from './document.js'

/** Probes this machine, and an interface if one is named; prints the result. @throws Error for an unknown interface */
export function printProbe(interfaceName: string | undefined, json: boolean): void {
  const report = probe(interfaceName === undefined ? {} : { interface: interfaceName })
  const { features, maxSegments, interface: over = null } = report
  if (json) {
    printDocument({
      ...documentHead('probe'),
      config: { interface: over?.name ?? null },
      features,
      maxSegments,
      interface: over,
    })
    return
  }
  const findings = Object.entries<FeatureStatus>(features)
  if (over !== null)
    findings.push([`GSO over ${over.name}, IPv4`, over.ipv4], [`GSO over ${over.name}, IPv6`, over.ipv6])
  const width = Math.max(...findings.map(([name]) => name.length))
  const lines = [
    machineLine(),
    '',
    ...findings.map(
      ([name, { available, reason }]) => `${name.padEnd(width)}   ${available ? 'yes' : 'no '}   ${reason}`,
    ),
    '',
    maxSegments === 0 ? 'no GSO' : `a GSO send may have ${maxSegments} datagrams`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
