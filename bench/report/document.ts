import { cpus, release } from 'node:os'
import * as koffi from 'koffi'

/** Incremented when a key of a JSON document changes its meaning or is removed; new keys may be added without. */
const SCHEMA_VERSION = 2

export function describeMachine() {
  const processors = cpus()
  return {
    kernel: release(),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    architecture: process.arch as string,
    node: process.versions.node,
    koffi: koffi.version as string,
  } as const
}
export type Machine = ReturnType<typeof describeMachine>

export function machineLine({ kernel, cpu, cores, node, koffi }: Machine = describeMachine()): string {
  return `Linux ${kernel}, ${cpu}, ${cores} cores, Node ${node}, Koffi ${koffi}`
}

/** Returns the keys that every document starts with. */
export function documentHead(command: string): object {
  return { schemaVersion: SCHEMA_VERSION, command, machine: describeMachine() }
}

/** Prints a result: its JSON document or its text. */
export function printResult(json: boolean, document: () => object, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(document(), null, 2) : text()}\n`)
}

export function reasonOf(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0]
}
