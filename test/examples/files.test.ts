import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(__dirname, '..', '..')
const page = readFileSync(join(ROOT, 'docs', 'examples.md'), 'utf8')

for (const name of readdirSync(join(ROOT, 'examples'))) {
  t.test(`${name} is short, and docs/examples.md describes it`, async (t) => {
    const lines = readFileSync(join(ROOT, 'examples', name), 'utf8').split('\n')
    t.ok(lines.length <= 100, `${lines.length - 1} lines`)
    t.match(page, `[${name}](../examples/${name})`)
  })
}
