import { networkInterfaces, release } from 'node:os'
import { rangeError } from '../arguments/errors.js'
import * as validate from '../arguments/validate.js'
import type { FeatureStatus } from '../socket/feature-status.js'
import { FEATURES, type FeatureName } from './features.js'
import { gsoOverInterface } from './interface-gso.js'

/** Features of this kernel and machine. */
export interface ProbeReport {
  /** Release of the kernel, for example `6.18.44`. */
  readonly kernel: string
  readonly architecture: string
  readonly features: Readonly<Record<FeatureName, FeatureStatus>>
  /** Largest supported value of `maxSegments` of `SendBatch`; 0 without GSO. */
  readonly maxSegments: number
  /** Status of GSO sends over the interface, if one was given. */
  readonly interface?: { readonly name: string; readonly ipv4: FeatureStatus; readonly ipv6: FeatureStatus }
}

/** Options of `probe`. */
export interface ProbeOptions {
  /** Name of an interface on which to try one GSO send: to the link's all-hosts groups, discard port, one hop. */
  interface?: string
}

/**
 * Finds the supported features by trying each one over loopback with temporary sockets. Takes well under a second.
 *
 * @throws RangeError `ERR_OUT_OF_RANGE` if no interface has that name
 * @throws TypeError `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` if no socket can be opened
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
    ipv4: find(() => gsoOverInterface(name, 'ipv4')),
    ipv6: find(() => gsoOverInterface(name, 'ipv6')),
  }
  return { ...report, interface: overInterface }
}

/** Runs an attempt, which returns the observed result or throws the reason why the feature is unsupported. */
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
