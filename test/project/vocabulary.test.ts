import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from './support.js'

// Words of a private dialect, for which the field has plain ones: "reports" for "tells", "GSO send" for "train".
const BANNED = /\b(told|tells|nobody|somebody|whoever|to be had|in silence|good until|trains?)\b/gi

/** One sentence may explain what others call a GSO send; the other files name the banned words to check them. */
const ALLOWED = ['docs/api.md: train']

const PAGES = [
  ...[
    'api',
    'architecture',
    'benchmark',
    'dgram',
    'event-loop',
    'examples',
    'from-node-dgram',
    'json-report',
    'memory-safety',
    'monitoring',
  ],
  ...['profile', 'profile-json', 'receiving-fast', 'reliability', 'support', 'why-sendmmsg-gains-so-little'],
]

t.test('comments, messages and documentation use the terms of the field', async (t) => {
  const found = [
    ...sources('src'),
    ...sources('examples'),
    ...sources('bench'),
    ...sources('scripts'),
    ...sources('test').filter((file) => file !== 'test/project/vocabulary.test.ts'),
    ...[
      'bench/README.md',
      'bench/peers/README.md',
      'README.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'CODE_OF_CONDUCT.md',
    ],
    ...PAGES.map((page) => `docs/${page}.md`),
  ].flatMap((file) => wordsOf(readFileSync(join(ROOT, file), 'utf8')).map((word) => `${file}: ${word}`))
  t.strictSame(found, ALLOWED)
})

t.test('a banned word is found', async (t) => {
  t.strictSame(wordsOf('It tells Nobody\nof trains, retold.'), ['tells', 'nobody', 'trains'])
})

function wordsOf(text: string): string[] {
  return Array.from(text.matchAll(BANNED), ([word]) => word.toLowerCase())
}

function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => /\.(ts|c|go)$/.test(file)).map((file) => join(folder, file))
}
