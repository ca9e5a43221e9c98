import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { checkImports } from '../../scripts/check-imports.js'
import { ROOT } from './support.js'

t.test('the imports of this repository follow the layers', async (t) => {
  t.strictSame(checkImports(ROOT), [])
})

t.test('imports of lower layers are permitted', async (t) => {
  const allowed = {
    'src/index.ts': "export * from './socket/a.js'\nexport * from './arguments/a.js'",
    'src/internal.ts': "export * from './libc/a.js'",
    'src/dgram/a.ts': "import '../socket/a.js'\nimport '../arguments/a.js'",
    'src/probe/a.ts': "import '../socket/a.js'",
    'src/socket/a.ts': "import './b.js'\nimport '../loop/a.js'\nimport '../batch/a.js'\nimport '../layout/a.js'",
    'src/loop/a.ts': "import '../memory/a.js'\nimport { poll } from '../libc/a.js'",
    'src/endpoint/a.ts': "import 'node:net'\nimport fs = require('node:fs/promises')",
    'src/libc/a.ts': "import type * as Koffi from 'koffi'\nrequire('koffi')\nimport '../arguments/a.js'",
    'bench/main.ts': "import './options/a.js'\nrequire('./throughput/a.js')\nimport './cli/a.js'",
    'bench/send.ts': "import './main.js'",
    'bench/options/a.ts': "import '../traffic/a.js'\nimport '../cli/a.js'",
    'bench/throughput/a.ts':
      "import yargs from 'yargs'\nimport '../../src/index.js'\nimport '../../src/internal.js'\nimport '../traffic/a.js'",
    'bench/control/a.ts': "import '../traffic/a.js'\nimport '../children/a.js'\nimport './b.js'",
    'bench/stats/a.ts': "import '../cli/a.js'",
    'bench/profile/cases/a.ts': "import '../b.js'\nimport '../../engine/a.js'",
    'examples/a.ts': "import '../src/index.js'\nimport '../src/dgram/register.js'\nimport 'batchconn'",
    'test/a.ts': "import '../src/libc/a.js'\nimport '../bench/traffic/a.js'",
  }
  t.strictSame(checkImports(writeSources(t.testdir(), allowed)), [])
})

t.test('an import cycle in bench/ is found', async (t) => {
  const cycle = {
    'bench/traffic/a.ts': "import type { B } from './b.js'",
    'bench/traffic/b.ts': "import './a.js'",
  }
  t.match(checkImports(writeSources(t.testdir(), cycle)), [{ message: /^import cycle: bench\/traffic\/a.ts > / }])
})

t.test('an import cycle is found, also one of type imports', async (t) => {
  const cycle = {
    'src/libc/a.ts': "import { b } from './b.js'",
    'src/libc/b.ts': "import '../arguments/a.js'\nexport type { C } from './c.js'",
    'src/libc/c.ts': "type A = import('./a.js').A",
  }
  t.match(checkImports(writeSources(t.testdir(), cycle)), [
    {
      where: 'src/libc/c.ts',
      message: 'import cycle: src/libc/a.ts > src/libc/b.ts > src/libc/c.ts > src/libc/a.ts',
    },
  ])
})

t.test('forbidden imports are found', async (t) => {
  const layers: [file: string, source: string, message: RegExp][] = [
    ['src/arguments/a.ts', "import '../libc/a.js'", /arguments is not above libc/],
    ['src/libc/a.ts', "import '../layout/a.js'", /libc is not above layout/],
    ['src/layout/a.ts', "import type { Arena } from '../memory/a.js'", /layout is not above memory/],
    ['src/memory/a.ts', "export * from '../endpoint/a.js'", /memory is not above endpoint/],
    ['src/endpoint/a.ts', "const a = import('../batch/a.js')", /endpoint is not above batch/],
    ['src/batch/a.ts', "import '../loop/a.js'", /batch is not above loop/],
    ['src/batch/a.ts', "import '../socket/a.js'", /batch is not above socket/],
    ['src/loop/a.ts', "import '../batch/a.js'", /loop is not above batch/],
    ['src/loop/a.ts', "import '../endpoint/a.js'", /loop is not above endpoint/],
    ['src/loop/a.ts', "require('../socket/a.js')", /loop is not above socket/],
    ['src/socket/a.ts', "import { probe } from '../probe/a.js'", /socket is not above probe/],
    ['src/socket/a.ts', "import a = require('../dgram/a.js')", /socket is not above dgram/],
    ['src/socket/a.ts', "type A = import('../dgram/a.js').A", /socket is not above dgram/],
    ['src/socket/deep/a.ts', "import '../../dgram/a.js'", /socket is not above dgram/],
    ['src/socket/a.ts', "import { open } from '../index.js'", /nothing in src\/ imports src\/index/],
    ['src/dgram/a.ts', "import '../internal.js'", /nothing in src\/ imports src\/internal/],
    ['src/index.ts', "export * from './internal.js'", /nothing in src\/ imports src\/internal/],
    ['src/queue/a.ts', "import '../libc/a.js'", /'queue' has no place in the layers/],
    ['src/extra.ts', "import './libc/a.js'", /'extra' has no place in the layers/],
  ]
  const packages: typeof layers = [
    ['src/socket/a.ts', "import koffi from 'koffi'", /only src\/libc\/ imports koffi/],
    ['src/index.ts', "export type { TypeObject } from 'koffi'", /only src\/libc\/ imports koffi/],
    ['src/libc/a.ts', "import yargs from 'yargs'", /not 'yargs'/],
    ['src/libc/a.ts', "import 'fs'", /write 'node:fs'/],
    ['src/libc/a.ts', "import '../../test/support/a.js'", /src\/ does not import test\/support\/a.js/],
    ['src/libc/a.ts', "import '../../package.json'", /src\/ does not import package.json/],
    ['src/libc/a.ts', "require.resolve('../socket/a.js')", /libc is not above socket/],
    ['src/libc/a.ts', "import('../' + name)", /must be a literal/],
  ]
  const bench: typeof layers = [
    ['bench/control/a.ts', "import '../throughput/a.js'", /bench\/control is not above bench\/throughput/],
    ['bench/drop-in/a.ts', "import type { A } from '../profile/a.js'", /bench\/drop-in is not above bench\/profile/],
    ['bench/profile/deep/a.ts', "require('../../throughput/a.js')", /bench\/profile is not above bench\/throughput/],
    ['bench/options/a.ts', "import '../profile/a.js'", /bench\/options is not above bench\/profile/],
    ['bench/cli/a.ts', "import '../report/a.js'", /bench\/cli is not above bench\/report/],
    ['bench/traffic/a.ts', "import '../send.js'", /nothing imports bench\/send, and only the commands bench\/main/],
    ['bench/recv.ts', "import './send.js'", /nothing imports bench\/send/],
    ['bench/throughput/a.ts', "import '../main.js'", /only the commands bench\/main/],
    ['bench/traffic/a.ts', "import '../peers/a.js'", /'peers' has no place in the layers of bench\//],
    ['bench/runner/a.ts', "import '../cli/a.js'", /'runner' has no place in the layers of bench\//],
  ]
  const doors: typeof layers = [
    [
      'bench/send.ts',
      "import '../src/libc/a.js'",
      /bench\/ imports src\/index or src\/dgram\/index or src\/internal, not src\/libc\/a.js/,
    ],
    [
      'bench/cli/a.ts',
      "import '../../test/a.js'",
      /bench\/ imports src\/index or src\/dgram\/index or src\/internal, not test\/a.js/,
    ],
    [
      'examples/a.ts',
      "import '../src/internal.js'",
      /examples\/ imports src\/index or src\/dgram\/index or src\/dgram\/register, not src\/internal.js/,
    ],
  ]
  for (const [file, source, message] of [...layers, ...packages, ...bench, ...doors]) {
    const root = writeSources(t.testdir(), { [file]: `// a comment\n${source}` })
    const violations = checkImports(root)
    t.match(violations, [{ where: `${file}:2`, message }], `${file}: ${source}`)
    t.equal(violations.length, 1)
  }
})

/** Writes source files into an empty folder. */
function writeSources(root: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}
