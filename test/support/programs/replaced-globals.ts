/** Uses the library after globals were replaced, as fake timers do, and Error.prototype was frozen before the import. */
Object.freeze(Error.prototype)

async function main(): Promise<void> {
  const { BatchConn, ErrnoError, RecvBatch, SendBatch } = await import('../../../src/index.js')
  const results: Record<string, unknown> = { name: new ErrnoError(1, 'send').name }
  performance.now = () => 0
  const { nextTick } = process
  process.nextTick = () => {}
  const conn = BatchConn.open().bind({ address: '127.0.0.1', port: 0 })
  results.received = conn.recvBlocking(new RecvBatch(), { timeoutMs: 5 })
  const out = new SendBatch()
  const to = conn.localAddress
  globalThis.Uint8Array = class extends Uint8Array {
    constructor() {
      super(64)
    }
  } as never
  out.appendReference(Buffer.from('reference'), to)
  conn.send(out)
  process.once('uncaughtException', (error) => {
    process.nextTick = nextTick
    console.log(JSON.stringify({ ...results, uncaught: error.message }))
    conn.close()
  })
  conn.onReadable(new RecvBatch(), (batch) => {
    results.text = String(batch.bytes(0))
    throw new Error('of a callback')
  })
}

void main()
