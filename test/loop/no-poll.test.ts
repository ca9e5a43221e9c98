import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(__dirname, '..', '..')

// Seen on Bun 1.4.5, where creating a poll handle aborts the process; here a runtime that claims to be Bun.
t.test('without a poll, waiting throws, and everything else works', async (t) => {
  const program = `
    Object.defineProperty(process.versions, 'bun', { value: '1.0.0' })
    const { BatchConn, RecvBatch, SendBatch } = require('./src/index.ts')
    const dgram = require('./src/dgram/index.ts')
    async function main() {
      const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
      const out = new SendBatch()
      out.append('x', conn.localAddress)
      await conn.sendAll(out)
      const inbox = new RecvBatch()
      const results = [conn.recvBlocking(inbox, { timeoutMs: 1000 })]
      for (const wait of [() => conn.readable(), () => conn.writable(), () => conn.onReadable(inbox, () => {})]) {
        try { await wait() } catch (error) { results.push(error.code) }
      }
      const socket = dgram.createSocket('udp4', (message) => {
        console.log(JSON.stringify([...results, String(message), socket.batching.available]))
        socket.close()
      })
      socket.bind(0, '127.0.0.1', () => socket.send('plain', socket.address().port, '127.0.0.1'))
    }
    main()`
  const output = execFileSync(process.execPath, ['--require', 'ts-node/register', '-e', program], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const unavailable = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
  t.strictSame(JSON.parse(output), [1, unavailable, unavailable, unavailable, 'plain', false])
})
