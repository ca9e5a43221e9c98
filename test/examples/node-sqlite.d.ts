/** The part of node:sqlite that the examples use: the types of Node 20 do not have it. */
declare module 'node:sqlite' {
  type Value = string | number | null
  export class DatabaseSync {
    constructor(path: string)
    exec(sql: string): void
    prepare(sql: string): {
      run(...values: Value[]): unknown
      get(...values: Value[]): Record<string, Value> | undefined
      all(...values: Value[]): Record<string, Value>[]
    }
    close(): void
  }
}
