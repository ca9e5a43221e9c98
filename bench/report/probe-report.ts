import type { FeatureStatus, ProbeReport } from '../../src/index.js'
import { describeMachine } from '../peers/machine.js'
import { SCHEMA_VERSION } from './document.js'

/** The JSON document. */
export function probeDocument(report: ProbeReport): object {
  const { features, maxSegments, interface: overInterface = null } = report
  return {
    schemaVersion: SCHEMA_VERSION,
    command: 'probe',
    config: { interface: overInterface?.name ?? null },
    machine: describeMachine(),
    features,
    maxSegments,
    interface: overInterface,
  }
}

/** A line a feature: its name, whether it is there, and what was seen. */
export function probeText({ features, maxSegments, interface: overInterface }: ProbeReport): string {
  const { kernel, cpu, cores, architecture, node, koffi } = describeMachine()
  const findings = Object.entries<FeatureStatus>(features)
  if (overInterface !== undefined) {
    const { name, ipv4, ipv6 } = overInterface
    findings.push([`trains over ${name}, IPv4`, ipv4], [`trains over ${name}, IPv6`, ipv6])
  }
  const width = Math.max(...findings.map(([name]) => name.length))
  return [
    `Linux ${kernel}, ${cpu}, ${cores} cores, ${architecture}, Node ${node}, Koffi ${koffi}`,
    '',
    ...findings.map(
      ([name, { available, reason }]) => `${name.padEnd(width)}   ${available ? 'yes' : 'no '}   ${reason}`,
    ),
    '',
    maxSegments === 0 ? 'no trains' : `a train may have ${maxSegments} datagrams`,
  ].join('\n')
}
