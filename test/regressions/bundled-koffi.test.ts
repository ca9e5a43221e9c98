import Module from 'node:module'
import t from 'tap'
import { koffi } from '../../src/libc/koffi.js'

t.test('the error of a bundled Koffi advises to mark koffi as external', (t) => {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown }
  const { _load } = loader
  t.teardown(() => Object.assign(loader, { _load }))
  for (const message of [
    // Koffi 3, in a bundle of CommonJS.
    'Cannot find the native Koffi module; did you bundle it correctly?',
    // In ES modules, of Rollup and of esbuild.
    '__filename is not defined',
    'Dynamic require of "koffi" is not supported',
  ]) {
    loader._load = (request, ...rest) => {
      if (request !== 'koffi') return Reflect.apply(_load, loader, [request, ...rest])
      throw new Error(message)
    }
    t.throws(() => koffi(), { message: /^batchconn cannot load koffi: .* \(.*mark koffi as external\)$/ }, message)
  }
  t.end()
})
