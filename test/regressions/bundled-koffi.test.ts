import Module from 'node:module'
import t from 'tap'
import { koffi } from '../../src/libc/koffi.js'

t.test('the error of a bundled Koffi advises to mark koffi as external', (t) => {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown }
  const { _load } = loader
  t.teardown(() => Object.assign(loader, { _load }))
  loader._load = (request, ...rest) => {
    if (request !== 'koffi') return Reflect.apply(_load, loader, [request, ...rest])
    // The message of Koffi 3.
    throw new Error('Cannot find the native Koffi module; did you bundle it correctly?')
  }
  t.throws(() => koffi(), { message: /did you bundle it correctly\? \(.*mark koffi as external\)$/ })
  t.end()
})
