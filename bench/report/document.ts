import { describeMachine } from './machine.js'

/** Incremented when a key of a JSON document changes its meaning or is removed; new keys may be added without. */
export const SCHEMA_VERSION = 2

/** Returns the keys that every document starts with. */
export function documentHead(command: string): object {
  return { schemaVersion: SCHEMA_VERSION, command, machine: describeMachine() }
}

/** Describes the machine in one line. */
export function machineLine(): string {
  const { kernel, cpu, cores, node, koffi } = describeMachine()
  return `Linux ${kernel}, ${cpu}, ${cores} cores, Node ${node}, Koffi ${koffi}`
}

/** Prints the JSON document of a run. */
export function printDocument(document: object): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}
