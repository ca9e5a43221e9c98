import { cpus, release } from 'node:os'
import * as koffi from 'koffi'
import { csv } from './csv.js'

/** Incremented when a key of a JSON document changes its meaning or is removed; new keys may be added without. */
export const SCHEMA_VERSION = 2

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

/** Returns the options of a command that change what it measures; null for those that were not given. */
export function configOf(plan: object): object {
  const options = Object.entries(plan).filter(([key]) => !NOT_IN_CONFIG.includes(key))
  return Object.fromEntries(options.map(([key, value]) => [key, value ?? null]))
}
const NOT_IN_CONFIG = ['command', 'json', 'csv', 'html', 'quiet', 'token', 'announce']

/** Prints a result: its JSON document, its rows as CSV, or its text. */
export function printResult(
  { json, csv: isCsv = false }: { readonly json: boolean; readonly csv?: boolean },
  document: object,
  text: string,
  rows: readonly object[] = [],
): void {
  process.stdout.write(`${json ? JSON.stringify(document, null, 2) : isCsv ? csv(rows) : text}\n`)
}

export function reasonOf(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0]
}
