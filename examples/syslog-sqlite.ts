// Stores syslog messages (RFC 5424 and RFC 3164) in an SQLite database, on the drop-in for node:dgram.
//
//   npx ts-node examples/syslog-sqlite.ts <database> [port] [address]
//   logger --server 127.0.0.1 --port 5514 --udp 'hello'
//   sqlite3 log.db 'SELECT * FROM messages'
//
// Requires Node 22.13 or newer, for node:sqlite. Outside this repository, replace '../src/dgram/index.js' by
// 'batchconn/dgram'; with 'node:dgram' in its place it is the same receiver, for comparison.
import { isBuiltin } from 'node:module'
import { createSocket } from '../src/dgram/index.js'

/** Messages of this time are lost if the host crashes. The longer it is, the fewer transactions. */
const TRANSACTION_MS = 100

const TABLE = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS messages (
    received INTEGER NOT NULL, sender TEXT NOT NULL, facility INTEGER, severity INTEGER,
    host TEXT, application TEXT, process TEXT, text TEXT NOT NULL
  )`

const RFC_5424 = /^<(\d{1,3})>1 \S+ (\S+) (\S+) (\S+) \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?:\ufeff)?(.*)$/s
const RFC_3164 = /^<(\d{1,3})>[A-Z][a-z]{2} [ \d]\d [\d:]{8} (\S+) ([^\s:[]+)(?:\[(\S+?)\])?: ?(.*)$/s

/** Columns of a message. What is not syslog is stored as text alone. */
export function parse(message: string): (string | number | null)[] {
  const [, priority, ...fields] = RFC_5424.exec(message) ?? RFC_3164.exec(message) ?? []
  if (priority === undefined) return [null, null, null, null, null, message]
  const text = fields.pop() ?? ''
  const [host, application, process] = fields.map((field) => (field === '-' ? null : (field ?? null)))
  return [Number(priority) >> 3, Number(priority) & 7, host, application, process, text]
}

async function main(): Promise<void> {
  const [file, port = '5514', address = '127.0.0.1'] = process.argv.slice(2)
  if (file === undefined) throw new Error('expected the path of a database')
  if (!isBuiltin('node:sqlite')) throw new Error(`requires node:sqlite: Node 22.13 or newer, not ${process.version}`)
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(file)
  database.exec(TABLE)
  const insert = database.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)')

  let stored = 0
  let inTransaction = false
  const commit = () => {
    if (inTransaction) database.exec('COMMIT')
    inTransaction = false
  }
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }, (message, sender) => {
    if (!inTransaction) {
      database.exec('BEGIN')
      inTransaction = true
      setTimeout(commit, TRANSACTION_MS)
    }
    insert.run(Date.now(), sender.address, ...parse(message.toString()))
    stored += 1
  })
  socket.bind(Number(port), address, () => console.log(`storing messages to ${address}:${socket.address().port}`))

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      socket.close(() => {
        commit()
        database.close()
        console.log(`${stored} messages stored`)
      })
    })
  }
}

if (require.main === module) {
  main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
