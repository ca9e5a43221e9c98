import { cpus, release } from 'node:os'
import * as koffi from 'koffi'

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
  document: object | string,
  text: string,
  rows: readonly object[] = [],
): void {
  process.stdout.write(`${json ? asJson(document) : isCsv ? csv(rows) : text}\n`)
}

/** Returns a document as text; one that is text already, as it is. */
export function asJson(document: object | string): string {
  return typeof document === 'string' ? document : JSON.stringify(document, null, 2)
}

export function reasonOf(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0]
}

/**
 * Formats rows as CSV (RFC 4180): a line of column names, then a line per row. Columns are the keys, nested keys joined by dots;
 * items of a list are numbered from 1. Unknown values are empty cells.
 */
export function csv(rows: readonly object[]): string {
  const flat = rows.map((row) => new Map(cellsOf(row)))
  const names = [...new Set(flat.flatMap((row) => [...row.keys()]))]
  // What is null in one row can have keys in another.
  const columns = names.filter((name) => !names.some((other) => other.startsWith(`${name}.`)))
  const lines = [columns, ...flat.map((row) => columns.map((name) => row.get(name)))]
  return lines.map((cells) => cells.map(quoted).join(',')).join('\n')
}

function cellsOf(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = prefix + (Array.isArray(value) ? Number(key) + 1 : key)
    return typeof inner === 'object' && inner !== null ? cellsOf(inner, `${name}.`) : [[name, inner]]
  })
}

function quoted(value: unknown): string {
  // Spreadsheets would run text of another host that begins like a formula.
  const text = typeof value === 'string' ? value.replace(/^(?=[=+\-@\t\r])/, "'") : String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
