import { networkInterfaces, release } from 'node:os'
import { rangeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { FeatureStatus } from '../socket/feature-status.js'
import { FEATURES, type FeatureName } from './features.js'
import { trainsOverInterface } from './interface-trains.js'

/** What this kernel and machine give. */
export interface ProbeReport {
  /** The kernel's release, `6.18.44`. */
  readonly kernel: string
  readonly architecture: string
  readonly features: Readonly<Record<FeatureName, FeatureStatus>>
  /** How many datagrams a train may have: what `SendBatch`'s `maxSegments` can be raised to. 0 without GSO. */
  readonly maxSegments: number
  /** If an interface was named: whether trains leave by it. */
  readonly interface?: { readonly name: string; readonly ipv4: FeatureStatus; readonly ipv6: FeatureStatus }
}

/** What to probe beyond loopback. */
export interface ProbeOptions {
  /** The name of an interface to send a train over: to the link's all-hosts groups, discard port, one hop. */
  interface?: string
}

/**
 * Finds out what works here by trying each feature over loopback, with sockets of its own, in well under a second.
 *
 * @throws RangeError `ERR_OUT_OF_RANGE` if there is no interface of that name
 * @throws TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` where no socket can be opened at all
 */
export function probe(options?: ProbeOptions): ProbeReport {
  const given = validate.options(options, 'probe', ['interface'])
  const name = given.interface === undefined ? undefined : interfaceName(given.interface)
  const attempts = Object.entries(FEATURES).map(([feature, attempt]) => [feature, find(attempt)])
  const features: ProbeReport['features'] = Object.fromEntries(attempts)
  const report = {
    kernel: release(),
    architecture: process.arch,
    features,
    maxSegments: features.gso128.available ? 128 : features.gso.available ? 64 : 0,
  }
  if (name === undefined) return report
  const overInterface = {
    name,
    ipv4: find(() => trainsOverInterface(name, 'ipv4')),
    ipv6: find(() => trainsOverInterface(name, 'ipv6')),
  }
  return { ...report, interface: overInterface }
}

/** Runs an attempt: it describes what it saw, or throws what stands in the way. */
function find(attempt: () => string): FeatureStatus {
  try {
    return { available: true, reason: attempt() }
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

function interfaceName(value: unknown): string {
  const name = validate.text(value, 'interface')
  const names = Object.keys(networkInterfaces())
  if (names.includes(name)) return name
  throw rangeError('ERR_OUT_OF_RANGE', `interface must be one of ${names.join(', ')}; received '${name}'`)
}
