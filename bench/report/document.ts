/** Counts up when a key of a JSON document changes its meaning or goes away; new keys may come without. */
export const SCHEMA_VERSION = 1

/** Prints the one JSON document of a run. */
export function printDocument(document: object): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}
