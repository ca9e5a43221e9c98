/**
 * Loads the library on another platform, or without Koffi, and prints the results. Arguments: the name of the platform,
 * and `without-koffi` to make Koffi unavailable.
 */
import Module from 'node:module'

const [platform, without] = process.argv.slice(2)
Object.defineProperty(process, 'platform', { value: platform })

const wanted: string[] = []
const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown }
const load = loader._load
loader._load = (request, ...rest) => {
  if (request === 'koffi') {
    wanted.push(request)
    if (without !== undefined)
      throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' })
  }
  return load(request, ...rest)
}

const library = require('../../../src/index.js') as typeof import('../../../src/index.js')

function outcome(act: () => unknown): object {
  try {
    act()
    return { ok: true }
  } catch (error) {
    const { name, message, code, cause } = error as Error & { code?: string }
    return { name, message, code, cause: cause instanceof Error ? cause.message : null }
  }
}

const result = {
  exports: Object.keys(library).sort(),
  loadedByImport: [...wanted],
  open: outcome(() => library.BatchConn.open().close()),
  sendBatch: outcome(() => new library.SendBatch()),
  recvBatch: outcome(() => new library.RecvBatch()),
  endpoint: outcome(() => library.endpoint({ address: '127.0.0.1', port: 1 })),
  misspelled: outcome(() => library.BatchConn.open({ famly: 'ipv4' } as object)),
}
process.stdout.write(JSON.stringify(result))
