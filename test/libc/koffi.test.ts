import t from 'tap'
import * as library from '../../src/index.js'
import { koffi } from '../../src/libc/koffi.js'
import { childJson } from '../support/child.js'

interface Outcome {
  readonly ok?: boolean
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly cause?: string | null
}

interface Result {
  readonly exports: string[]
  readonly loadedByImport: string[]
  readonly open: Outcome
  readonly sendBatch: Outcome
  readonly recvBatch: Outcome
  readonly endpoint: Outcome
  readonly misspelled: Outcome
}

const EXPORTS = Object.keys(library).sort()
const USES = ['open', 'sendBatch', 'recvBatch', 'endpoint'] as const

t.test('Koffi is loaded once', async (t) => {
  t.equal(koffi(), koffi())
  t.type(koffi().load, 'function')
})

t.test('an import does not load Koffi, the first use does', async (t) => {
  const result = await childJson<Result>('platform', { args: ['linux'] })
  t.same(result.loadedByImport, [])
  for (const use of USES) t.same(result[use], { ok: true }, use)
})

for (const platform of ['darwin', 'win32']) {
  t.test(`on ${platform} an import succeeds, and the first use throws an error that names Linux`, async (t) => {
    const result = await childJson<Result>('platform', { args: [platform] })
    t.same(result.exports, EXPORTS)
    for (const use of USES) {
      t.equal(result[use].name, 'TypeError', use)
      t.equal(result[use].code, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', use)
      t.match(result[use].message, new RegExp(`requires Linux .*; this is ${platform}$`), use)
    }
    t.equal(result.misspelled.code, 'ERR_UNKNOWN_OPTION', 'arguments are checked first')
  })
}

t.test('without Koffi an import succeeds, and the first use throws an error with the reason', async (t) => {
  const result = await childJson<Result>('platform', { args: ['linux', 'without-koffi'] })
  t.same(result.exports, EXPORTS)
  for (const use of USES) {
    t.equal(result[use].name, 'TypeError', use)
    t.equal(result[use].code, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', use)
    t.match(result[use].message, /^batchconn cannot load koffi: Cannot find module 'koffi' \(install the package/, use)
    t.equal(result[use].cause, "Cannot find module 'koffi'", use)
  }
})
