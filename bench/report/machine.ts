import { cpus, release } from 'node:os'
import * as koffi from 'koffi'

/** The machine of a measurement. */
export interface Machine {
  readonly kernel: string
  readonly cpu: string
  readonly cores: number
  readonly architecture: string
  readonly node: string
  readonly koffi: string
}

/** Describes this machine. */
export function describeMachine(): Machine {
  const processors = cpus()
  return {
    kernel: release(),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    architecture: process.arch,
    node: process.versions.node,
    koffi: koffi.version,
  }
}
