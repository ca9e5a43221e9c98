import { Module } from 'node:module'

// A process without Koffi, as in a bundle that contains it. Prints what the drop-in does, as JSON.

const loader = Module as unknown as { _resolveFilename(name: string, ...rest: unknown[]): string }
const { _resolveFilename: resolve } = loader
loader._resolveFilename = (name, ...rest) => {
  if (name !== 'koffi') return resolve(name, ...rest)
  throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' })
}

async function main(): Promise<void> {
  const warnings: string[] = []
  process.on('warning', ({ message }) => warnings.push(message))
  const { createSocket } = await import('../../../src/dgram/index.js')
  const [first, second] = [createSocket('udp4'), createSocket('udp4')]
  first.on('message', (message) => {
    console.log(JSON.stringify({ text: String(message), batching: first.batching.available, warnings }))
    first.close()
    second.close()
  })
  first.bind(0, '127.0.0.1', () => second.send('plain', first.address().port, '127.0.0.1'))
}

main()
